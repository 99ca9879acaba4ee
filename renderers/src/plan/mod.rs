//! The seating plan: the stage, the rows, and which seats are free.
//!
//! A seat is a dot: large and green when free, small and grey when sold, so that the two differ
//! without colour too. There is no element per seat: a block of rows has one path per status,
//! whose dots are zero-length lines with round caps.
//!
//! Up to about 96,000 seats every seat has its dot. Beyond, where dots would be less than 3
//! pixels apart in a picture 1600 pixels wide, squares of n × n neighbours share a dot whose area
//! grows, in five steps, with the share of free seats; n is the least that brings dots 6 pixels
//! apart. So the file never grows beyond about a megabyte.

mod frame;
mod geometry;
mod house;
mod seats;

use domain::seat::CAPACITY_MAX;

use self::geometry::Geometry;
use self::house::House;
use crate::document::PlanDocument;
use crate::error::RenderError;
use crate::raster;
use crate::svg::{Page, Words, Writer};
use crate::text::clean;

const WIDTH_MIN: u32 = 200;
const WIDTH_MAX: u32 = 4000;

/// The seating plan as SVG, 1600 pixels wide.
///
/// The root's direct child `<desc>` is `{concert id}|{capacity}|{sold seats}`. Words are `<text>`
/// elements.
///
/// Fails with [`RenderError::CapacityTooLarge`] or [`RenderError::SeatOutOfRange`].
pub fn plan_svg(document: &PlanDocument) -> Result<Vec<u8>, RenderError> {
    check(document)?;
    let (svg, _) = write(document, Words::Text);
    Ok(svg.into_bytes())
}

/// The seating plan as an opaque PNG with indexed colours, `width_px` (200 to 4000) pixels wide.
///
/// Fails as [`plan_svg`] does, with [`RenderError::SizeOutOfRange`], or with
/// [`RenderError::Backend`] on a defect.
pub fn plan_png(document: &PlanDocument, width_px: u32) -> Result<Vec<u8>, RenderError> {
    check(document)?;
    if !(WIDTH_MIN..=WIDTH_MAX).contains(&width_px) {
        let (what, min, max) = ("width_px", WIDTH_MIN, WIDTH_MAX);
        return Err(RenderError::SizeOutOfRange {
            what,
            value: width_px,
            min,
            max,
        });
    }
    let (svg, size) = write(document, Words::Outlines);
    let mut pixmap = raster::blank([width_px, raster::scaled(size, width_px)])?;
    raster::draw(&svg, &mut pixmap)?;
    raster::encode(&pixmap, None)
}

fn check(document: &PlanDocument) -> Result<(), RenderError> {
    let capacity = document.capacity;
    if capacity > CAPACITY_MAX {
        return Err(RenderError::CapacityTooLarge { capacity });
    }
    if let Some(layout) = &document.layout
        && layout.seats() != capacity
    {
        let seats = layout.seats();
        return Err(RenderError::LayoutDiffers { seats, capacity });
    }
    match document.sold.highest() {
        Some(seat) if seat >= capacity => Err(RenderError::SeatOutOfRange { seat, capacity }),
        _ => Ok(()),
    }
}

/// The picture and its size.
fn write(document: &PlanDocument, words: Words) -> (String, [f32; 2]) {
    if let Some(layout) = &document.layout {
        let house = House::of(layout);
        let svg = frame(document, words, house.size(), |writer| {
            house.write(writer, &document.sold);
            frame::legend_of_house(writer, &house);
        });
        return (svg, house.size());
    }
    let geometry = Geometry::of(document.capacity);
    let svg = frame(document, words, geometry.size(), |writer| {
        frame::stage(writer, &geometry);
        seats::rows(writer, &geometry, &document.sold);
        frame::legend(writer, &geometry);
    });
    (svg, geometry.size())
}

/// A picture with its head, and what `draw` adds below.
fn frame(
    document: &PlanDocument,
    words: Words,
    size: [f32; 2],
    draw: impl FnOnce(&mut Writer),
) -> String {
    let sold = document.sold.count();
    let description = format!("{}|{}|{sold}", document.concert_id, document.capacity);
    let [width, height] = size.map(|length| length.to_string());
    let page = Page {
        width: &width,
        height: &height,
        view: size,
        language: document.language.tag(),
    };
    let mut writer = Writer::new(words);
    writer.open(&page, &clean(&description));
    writer.items(&frame::items(document, size, sold));
    draw(&mut writer);
    writer.finish()
}
