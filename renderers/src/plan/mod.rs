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
mod seats;

use domain::seat::CAPACITY_MAX;

use self::geometry::Geometry;
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
    Ok(write(document, &Geometry::of(document.capacity), Words::Text).into_bytes())
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
    let geometry = Geometry::of(document.capacity);
    let mut pixmap = raster::blank([width_px, raster::scaled(geometry.size(), width_px)])?;
    raster::draw(&write(document, &geometry, Words::Outlines), &mut pixmap)?;
    raster::encode(&pixmap, None)
}

fn check(document: &PlanDocument) -> Result<(), RenderError> {
    let capacity = document.capacity;
    if capacity > CAPACITY_MAX {
        return Err(RenderError::CapacityTooLarge { capacity });
    }
    match document.sold.highest() {
        Some(seat) if seat >= capacity => Err(RenderError::SeatOutOfRange { seat, capacity }),
        _ => Ok(()),
    }
}

fn write(document: &PlanDocument, geometry: &Geometry, words: Words) -> String {
    let sold = document.sold.count();
    let description = format!("{}|{}|{sold}", document.concert_id, document.capacity);
    let [width, height] = geometry.size();
    let (width_text, height_text) = (width.to_string(), height.to_string());
    let page = Page {
        width: &width_text,
        height: &height_text,
        view: [width, height],
    };
    let mut writer = Writer::new(words);
    writer.open(&page, &clean(&description));
    writer.items(&frame::items(document, geometry, sold));
    frame::stage(&mut writer, geometry);
    seats::rows(&mut writer, geometry, &document.sold);
    frame::legend(&mut writer, geometry);
    writer.finish()
}
