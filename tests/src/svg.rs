//! What a client reads in our pictures.

use roxmltree::{Document, Node};

const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// The text of the root's own `<desc>`.
#[track_caller]
pub fn desc(svg: &[u8]) -> String {
    read(svg, |root| {
        let descs: Vec<_> = root
            .children()
            .filter(|node| node.has_tag_name((NAMESPACE, "desc")))
            .collect();
        assert_eq!(descs.len(), 1, "one <desc> below the root");
        words(descs[0])
    })
}

/// The words of each `<text>` element.
#[track_caller]
pub fn texts(svg: &[u8]) -> Vec<String> {
    read(svg, |root| {
        let texts = root
            .descendants()
            .filter(|node| node.has_tag_name((NAMESPACE, "text")));
        texts.map(words).collect()
    })
}

/// Asserts that a `<text>` element holds these words.
#[track_caller]
pub fn assert_text(svg: &[u8], wanted: &str) {
    let texts = texts(svg);
    assert!(
        texts.iter().any(|text| text.contains(wanted)),
        "{wanted:?} is not in {texts:?}"
    );
}

#[track_caller]
fn read<T>(svg: &[u8], look: impl FnOnce(Node<'_, '_>) -> T) -> T {
    let text = std::str::from_utf8(svg).expect("SVG is UTF-8");
    let document = Document::parse(text).expect("SVG is XML");
    let root = document.root_element();
    assert!(root.has_tag_name((NAMESPACE, "svg")), "the root is <svg>");
    look(root)
}

fn words(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter_map(|node| node.is_text().then(|| node.text()).flatten())
        .collect()
}
