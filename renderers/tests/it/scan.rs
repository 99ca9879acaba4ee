//! Codes in files as buyers send them and gates photograph them.

use fast_qr::{ECL, QRBuilder};
use lopdf::{Document, Object, Stream, dictionary};
use renderers::{PdfBackend, Sheet, TicketDocument, find_codes, read_codes};
use renderers::{ticket_pdf, ticket_pdf_by, ticket_png, ticket_svg};

use crate::support::{CODE, run, ticket};

fn sheets() -> [TicketDocument; 2] {
    [Sheet::A4, Sheet::Phone].map(|sheet| TicketDocument { sheet, ..ticket() })
}

/// A picture of shades of grey.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// A symbol with its margins, `tenths` of a pixel a module, as a screenshot has it.
    fn of(code: &str, margin: usize, tenths: usize) -> Self {
        let symbol = QRBuilder::new(code).ecl(ECL::M).build().unwrap();
        let side = symbol.size + 2 * margin;
        let pixels = side * tenths / 10;
        // The mean of so many points of each pixel: edges within it are grey, as browsers draw them.
        let points = if tenths.is_multiple_of(10) { 1 } else { 4 };
        let dark = |x: usize, y: usize| {
            let module = |point: usize| (20 * point + 10) / (2 * tenths * points);
            let (x, y) = (module(x), module(y));
            let inside = |place: usize| (margin..side - margin).contains(&place);
            inside(x) && inside(y) && symbol[y - margin][x - margin].value()
        };
        let shade = |at: usize| {
            let (x, y) = (at % pixels * points, at / pixels * points);
            let inside = (0..points * points).map(|at| (x + at % points, y + at / points));
            let ink = inside.filter(|(x, y)| dark(*x, *y)).count() * 235;
            u8::try_from(255 - ink / (points * points)).unwrap()
        };
        Self {
            width: pixels,
            height: pixels,
            pixels: (0..pixels * pixels).map(shade).collect(),
        }
    }

    fn inverted(mut self) -> Self {
        self.pixels
            .iter_mut()
            .for_each(|pixel| *pixel = 255 - *pixel);
        self
    }

    /// Side by side, on grey.
    fn beside(&self, other: &Self) -> Self {
        let (width, height) = (self.width + other.width, self.height.max(other.height));
        let pixel = |at: usize| {
            let (x, y) = (at % width, at / width);
            let (picture, x) = if x < self.width {
                (self, x)
            } else {
                (other, x - self.width)
            };
            if y < picture.height {
                picture.pixels[y * picture.width + x]
            } else {
                0xF0
            }
        };
        Self {
            width,
            height,
            pixels: (0..width * height).map(pixel).collect(),
        }
    }

    fn png(&self) -> Vec<u8> {
        let [width, height] = [self.width, self.height].map(|side| u32::try_from(side).unwrap());
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&self.pixels).unwrap();
        drop(writer);
        bytes
    }
}

/// The first page of a PDF as JPEG, `dpi` dots an inch.
fn jpeg(pdf: &[u8], dpi: &str, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("page");
    let target = target.to_str().unwrap();
    let usual = ["-r", dpi, "-jpeg", "-singlefile"];
    let arguments = [&usual[..], options, &["{}", target]].concat();
    run("poppler-utils", "pdftoppm", &arguments, pdf);
    std::fs::read(format!("{target}.jpg")).unwrap()
}

/// A page that shows a picture and nothing else.
fn wrapped(picture: Stream) -> Vec<u8> {
    let mut document = Document::with_version("1.5");
    let pages = document.new_object_id();
    let picture = document.add_object(picture);
    let content = b"q 500 0 0 500 40 200 cm /Im0 Do Q".to_vec();
    let content = document.add_object(Stream::new(dictionary! {}, content));
    let page = document.add_object(dictionary! {
        "Type" => "Page",
        "Parent" => pages,
        "Contents" => content,
    });
    // What pages share may stand above them.
    let tree = dictionary! {
        "Type" => "Pages",
        "Kids" => vec![Object::Reference(page)],
        "Count" => 1,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
        "Resources" => dictionary! { "XObject" => dictionary! { "Im0" => picture } },
    };
    document.objects.insert(pages, Object::Dictionary(tree));
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

fn image(picture: &Picture, colours: impl Into<Object>, bits: i64, data: Vec<u8>) -> Stream {
    let [width, height] = [picture.width, picture.height].map(|side| i64::try_from(side).unwrap());
    let names = dictionary! {
        "Type" => "XObject",
        "Subtype" => "Image",
        "Width" => width,
        "Height" => height,
        "ColorSpace" => colours.into(),
        "BitsPerComponent" => bits,
    };
    Stream::new(names, data)
}

#[test]
fn code_is_read_out_of_our_prints_in_every_format() {
    for document in sheets() {
        let what = document.sheet;
        for file in [
            ticket_svg(&document).unwrap(),
            ticket_pdf(&document).unwrap(),
            ticket_pdf_by(&document, PdfBackend::Printpdf).unwrap(),
            ticket_png(&document, 96).unwrap(),
        ] {
            assert_eq!(read_codes(&file).unwrap(), [CODE], "{what:?}");
        }
    }
}

#[test]
fn code_is_read_out_of_jpegs_grey_ones_and_those_that_load_in_steps() {
    for document in sheets() {
        let pdf = ticket_pdf(&document).unwrap();
        for options in [
            &[][..],
            &["-gray"],
            &["-jpegopt", "quality=30,progressive=y"],
        ] {
            let jpeg = jpeg(&pdf, "150", options);
            assert_eq!(read_codes(&jpeg).unwrap(), [CODE], "{options:?}");
        }
    }
}

#[test]
fn code_is_read_out_of_a_pdf_that_wraps_a_picture() {
    let picture = Picture::of(CODE, 4, 30);
    let grey = picture.pixels.clone();
    let rgb = grey.iter().flat_map(|shade| [*shade; 3]).collect();
    let cmyk = grey.iter().flat_map(|shade| [0, 0, 0, 255 - shade]);
    let cmyk = cmyk.collect();
    let numbers: Vec<u8> = grey.iter().map(|shade| u8::from(*shade < 128)).collect();
    // A bit a pixel, each row from a new byte.
    let rows = numbers.chunks(picture.width).flat_map(|row| {
        let bytes = row.chunks(8);
        bytes.map(|bits| {
            let bits = bits.iter().enumerate();
            bits.fold(0, |byte, (at, bit)| byte | bit << (7 - at))
        })
    });
    let rows: Vec<u8> = rows.collect();
    let table = |bytes: &[u8]| Object::string_literal(bytes);
    let indexed = |table: Object| -> Object {
        vec!["Indexed".into(), "DeviceRGB".into(), 1.into(), table].into()
    };
    let light_first = indexed(table(&[255, 255, 255, 0, 0, 40]));
    let mut packed = image(&picture, "DeviceGray", 8, grey.clone());
    packed.compress().unwrap();
    for stream in [
        image(&picture, "DeviceGray", 8, grey),
        packed,
        image(&picture, "DeviceRGB", 8, rgb),
        image(&picture, "DeviceCMYK", 8, cmyk),
        image(&picture, light_first.clone(), 8, numbers),
        image(&picture, light_first, 1, rows),
    ] {
        let what = format!("{:?}", stream.dict);
        assert_eq!(read_codes(&wrapped(stream)).unwrap(), [CODE], "{what}");
    }
    let photograph = jpeg(&ticket_pdf(&ticket()).unwrap(), "150", &[]);
    let mut stream = image(&picture, "DeviceRGB", 8, photograph);
    stream.dict.set("Filter", "DCTDecode");
    assert_eq!(read_codes(&wrapped(stream)).unwrap(), [CODE]);
}

#[test]
fn what_a_pdf_is_packed_by_and_cannot_be_read_is_told() {
    let picture = Picture::of(CODE, 4, 30);
    let mut stream = image(&picture, "DeviceGray", 8, vec![0; 100]);
    stream.dict.set("Filter", "JBIG2Decode");
    let refused = read_codes(&wrapped(stream)).unwrap_err().to_string();
    assert!(refused.contains("JBIG2Decode"), "{refused}");
    assert!(refused.contains("PNG and JPEG"), "{refused}");
}

#[test]
fn small_modules_cut_margins_and_dark_mode_are_read() {
    let mut unread = Vec::new();
    for margin in [0, 1, 4] {
        for tenths in [10, 15, 16, 17, 18, 20, 25, 30, 60] {
            let light = Picture::of(CODE, margin, tenths);
            let dark = Picture::of(CODE, margin, tenths).inverted();
            for (picture, mode) in [(light, "light"), (dark, "dark")] {
                if read_codes(&picture.png()).unwrap() != [CODE] {
                    unread.push((tenths, margin, mode));
                }
            }
        }
    }
    assert!(unread.is_empty(), "{unread:?}");
}

#[test]
fn small_screenshots_of_a_ticket_are_read() {
    for dpi in [36, 48, 72] {
        let [page, phone] = sheets().map(|document| ticket_png(&document, dpi).unwrap());
        assert_eq!(read_codes(&phone).unwrap(), [CODE], "{dpi} dpi");
        if dpi >= 48 {
            assert_eq!(read_codes(&page).unwrap(), [CODE], "{dpi} dpi");
        }
    }
}

#[test]
fn wanted_code_is_found_beside_one_that_is_easier_to_read() {
    let other = Picture::of("HTTPS://EXAMPLE.ORG", 4, 80);
    let ours = Picture::of(CODE, 4, 16);
    let both = other.beside(&ours).png();
    let found = find_codes(&both, |code| code == CODE).unwrap();
    assert!(found.contains(&CODE.to_owned()), "{found:?}");
    assert_eq!(read_codes(&both).unwrap(), ["HTTPS://EXAMPLE.ORG"]);
    let found = find_codes(&both, |_| false).unwrap();
    assert_eq!(found.len(), 2, "all are told: {found:?}");
}

#[test]
fn file_without_a_code_has_none_and_others_are_refused() {
    let blank = Picture {
        width: 300,
        height: 200,
        pixels: vec![0xF0; 60_000],
    };
    assert!(read_codes(&blank.png()).unwrap().is_empty());
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>"#;
    assert!(read_codes(svg).unwrap().is_empty());
    for wrong in [
        &b""[..],
        b"no picture",
        b"GIF89a",
        b"<html></html>",
        b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg/>",
        b"%PDF-1.7\n",
        b"\xFF\xD8\xFF\xE0",
        b"\x89PNG\r\n\x1a\n",
    ] {
        let refused = read_codes(wrong).unwrap_err().to_string();
        assert!(refused.contains("cannot be read"), "{refused}");
    }
}

#[test]
fn cut_and_damaged_files_do_no_harm() {
    let picture = Picture::of(CODE, 4, 30);
    let data = picture.pixels.clone();
    let pdf = ticket_pdf(&ticket()).unwrap();
    let mut packed = image(&picture, "DeviceGray", 8, data);
    packed.compress().unwrap();
    for file in [
        picture.png(),
        jpeg(&pdf, "36", &[]),
        wrapped(packed),
        pdf,
        ticket_svg(&ticket()).unwrap(),
    ] {
        for part in [1, 6] {
            let _ = read_codes(&file[..file.len() * part / 8]);
            let mut damaged = file.clone();
            let at = file.len() * part / 9;
            for byte in &mut damaged[at..at + 16] {
                *byte ^= 0x55;
            }
            let _ = read_codes(&damaged);
        }
    }
}

#[test]
fn absurd_sizes_are_refused_before_they_take_memory() {
    let picture = Picture {
        width: 1_000_000,
        height: 1_000_000,
        pixels: Vec::new(),
    };
    let stream = image(&picture, "DeviceGray", 8, vec![0; 100]);
    let refused = read_codes(&wrapped(stream)).unwrap_err().to_string();
    assert!(refused.contains("too many pixels"), "{refused}");
    let mut bomb = image(
        &Picture::of(CODE, 4, 10),
        "DeviceGray",
        8,
        vec![0; 40_000_000],
    );
    bomb.compress().unwrap();
    let refused = read_codes(&wrapped(bomb)).unwrap_err().to_string();
    assert!(refused.contains("exceeded"), "{refused}");
}
