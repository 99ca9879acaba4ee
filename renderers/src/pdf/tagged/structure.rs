//! The tree that tells assistive technology what is on the page, in reading order.

use pdf_writer::{Finish, Name, Pdf, Rect, Ref, TextStr};

use super::Refs;
use crate::scene::Role;

/// A part of the page with a meaning. Its place in the list is its number in the page's content.
#[derive(Clone)]
pub(super) struct Tag {
    pub(super) kind: Kind,
    /// Lower ones are read first, equal ones in the order of the page.
    pub(super) rank: u8,
}

#[derive(Clone)]
pub(super) enum Kind {
    Text(Role),
    /// A picture with its alternative text and its place: left, bottom, right, top.
    Figure(String, [f32; 4]),
}

impl Kind {
    /// The name of the structure type (ISO 32000-1, 14.8.4).
    pub(super) fn name(&self) -> &'static [u8] {
        match self {
            Self::Text(Role::Title) => b"H1",
            Self::Text(Role::Heading) => b"H2",
            Self::Text(Role::Paragraph) => b"P",
            Self::Figure(..) => b"Figure",
        }
    }
}

/// Writes an element for each tag, one around them all, and the root, which is given back.
pub(super) fn write(pdf: &mut Pdf, refs: &mut Refs, tags: &[Tag], page: Ref) -> Ref {
    let (root, document) = (refs.next(), refs.next());
    let elements: Vec<Ref> = tags.iter().map(|_| refs.next()).collect();
    for ((number, tag), id) in (0..).zip(tags).zip(&elements) {
        let mut element = pdf.indirect(*id).dict();
        element.pair(Name(b"S"), Name(tag.kind.name()));
        element.pair(Name(b"P"), document);
        element.pair(Name(b"Pg"), page);
        element.pair(Name(b"K"), number);
        if let Kind::Figure(spoken, [left, bottom, right, top]) = &tag.kind {
            element.pair(Name(b"Alt"), TextStr(spoken));
            let mut layout = element.insert(Name(b"A")).dict();
            layout.pair(Name(b"O"), Name(b"Layout"));
            layout.pair(Name(b"Placement"), Name(b"Block"));
            layout.pair(Name(b"BBox"), Rect::new(*left, *bottom, *right, *top));
        }
    }
    let mut order: Vec<usize> = (0..tags.len()).collect();
    order.sort_by_key(|number| tags[*number].rank);
    let mut around = pdf.indirect(document).dict();
    around.pair(Name(b"Type"), Name(b"StructElem"));
    around.pair(Name(b"S"), Name(b"Document"));
    around.pair(Name(b"P"), root);
    let mut kids = around.insert(Name(b"K")).array();
    for number in order {
        kids.item(elements[number]);
    }
    kids.finish();
    around.finish();
    let mut top = pdf.indirect(root).dict();
    top.pair(Name(b"Type"), Name(b"StructTreeRoot"));
    top.pair(Name(b"K"), document);
    top.pair(Name(b"ParentTreeNextKey"), 1);
    let mut parents = top.insert(Name(b"ParentTree")).dict();
    // The elements of the page's parts, by their numbers in its content.
    let mut numbers = parents.insert(Name(b"Nums")).array();
    numbers.item(0);
    numbers.push().array().items(elements);
    root
}
