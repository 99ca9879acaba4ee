//! What PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1) ask of a file's structure, as far as it
//! shows without a validator: none is to be had from the package registries.

use std::collections::BTreeSet;

use renderers::{Language, TicketDocument, ticket_pdf};
use serde_json::Value;

use crate::support::{named, run, ticket};

/// The objects of a file by their references, as qpdf reads them.
struct Objects(Value);

impl Objects {
    fn of(document: &TicketDocument) -> Self {
        let pdf = ticket_pdf(document).unwrap();
        let arguments = [
            "--json=2",
            "--json-stream-data=inline",
            "--decode-level=generalized",
            "{}",
        ];
        let json = run("qpdf", "qpdf", &arguments, &pdf);
        let mut json: Value = serde_json::from_str(&json).unwrap();
        Self(json["qpdf"][1].take())
    }

    /// What a value says, behind a reference or not.
    fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value.as_str().filter(|text| text.ends_with(" R")) else {
            return value;
        };
        let object = &self.0[&format!("obj:{reference}")];
        object.get("value").unwrap_or(&object["stream"]["dict"])
    }

    fn catalogue(&self) -> &Value {
        self.follow(&self.0["trailer"]["value"]["/Root"])
    }

    /// The bytes of a stream.
    fn stream(&self, reference: &Value) -> Vec<u8> {
        use base64::Engine as _;
        let object = &self.0[&format!("obj:{}", reference.as_str().unwrap())];
        let data = object["stream"]["data"].as_str().unwrap();
        base64::engine::general_purpose::STANDARD
            .decode(data)
            .unwrap()
    }

    fn dictionaries(&self) -> impl Iterator<Item = &Value> {
        let objects = self.0.as_object().unwrap().values();
        objects.map(|object| object.get("value").unwrap_or(&object["stream"]["dict"]))
    }
}

#[test]
fn file_says_what_it_is_and_which_colours_it_means() {
    let objects = Objects::of(&ticket());
    let catalogue = objects.catalogue();
    assert_eq!(catalogue["/MarkInfo"]["/Marked"], true);
    assert_eq!(catalogue["/ViewerPreferences"]["/DisplayDocTitle"], true);
    assert_eq!(catalogue["/Lang"], "u:en");
    let metadata = String::from_utf8(objects.stream(&catalogue["/Metadata"])).unwrap();
    for mark in [
        "<pdfaid:part>2</pdfaid:part>",
        "<pdfaid:conformance>A</pdfaid:conformance>",
        "<pdfuaid:part>1</pdfuaid:part>",
        "<dc:title>",
    ] {
        assert!(metadata.contains(mark), "{mark} in {metadata}");
    }
    let intent = objects.follow(&objects.follow(&catalogue["/OutputIntents"])[0]);
    assert_eq!(intent["/S"], "/GTS_PDFA1");
    let profile = &intent["/DestOutputProfile"];
    assert_eq!(objects.follow(profile)["/N"], 3);
    assert_eq!(&objects.stream(profile)[36..40], b"acsp");
    assert!(objects.0["trailer"]["value"]["/ID"].is_array());
}

#[test]
fn file_has_nothing_that_an_archive_refuses() {
    let objects = Objects::of(&named("東京 محمد שלום 🎉"));
    for dictionary in objects.dictionaries() {
        for refused in [
            "/JS",
            "/JavaScript",
            "/AA",
            "/EmbeddedFile",
            "/Encrypt",
            "/OPI",
            "/TR",
        ] {
            assert!(
                dictionary.get(refused).is_none(),
                "{refused} in {dictionary}"
            );
        }
    }
    assert!(objects.0["trailer"]["value"].get("/Encrypt").is_none());
    assert!(objects.catalogue().get("/OpenAction").is_none());
    let fonts = objects
        .dictionaries()
        .filter(|object| object["/Type"] == "/FontDescriptor");
    let embedded = |font: &Value| {
        ["/FontFile2", "/FontFile3"]
            .iter()
            .any(|file| font.get(file).is_some())
    };
    let fonts: Vec<_> = fonts.collect();
    assert!(
        fonts.len() >= 4 && fonts.iter().all(|font| embedded(font)),
        "{fonts:?}"
    );
}

#[test]
fn every_marked_part_is_in_the_structure_and_pictures_have_words() {
    for language in [Language::En, Language::Ar] {
        let objects = Objects::of(&TicketDocument {
            language,
            ..ticket()
        });
        let root = objects.follow(&objects.catalogue()["/StructTreeRoot"]);
        let (mut kinds, mut marks) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec![&root["/K"]];
        while let Some(value) = open.pop() {
            match objects.follow(value) {
                Value::Array(kids) => open.extend(kids),
                Value::Number(mark) => {
                    assert!(
                        marks.insert(mark.as_u64().unwrap()),
                        "{mark} is there twice"
                    );
                }
                element => {
                    let kind = element["/S"].as_str().unwrap_or_default();
                    if kind == "/Figure" {
                        assert!(element["/Alt"].as_str().is_some_and(|alt| alt.len() > 2));
                    }
                    kinds.insert(kind);
                    open.extend(element.get("/K"));
                }
            }
        }
        for kind in ["/Document", "/H1", "/P", "/Figure"] {
            assert!(kinds.contains(kind), "{kind} in {kinds:?}");
        }
        let page = objects
            .dictionaries()
            .find(|object| object["/Type"] == "/Page")
            .unwrap();
        let contents = match objects.follow(&page["/Contents"]) {
            Value::Array(parts) => parts.iter().collect(),
            _ => vec![&page["/Contents"]],
        };
        let content: Vec<u8> = contents
            .into_iter()
            .flat_map(|part| objects.stream(part))
            .collect();
        let content = String::from_utf8_lossy(&content);
        let drawn: BTreeSet<u64> = content
            .split("/MCID")
            .skip(1)
            .map(|rest| {
                let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit());
                digits.into_iter().next().unwrap().parse().unwrap()
            })
            .collect();
        assert_eq!(drawn, marks, "what is drawn and what is in the structure");
    }
}
