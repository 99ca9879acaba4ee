//! The seating plan: the stage, the rows, and which seats are free.
//!
//! A seat is a dot whose shape says as much as its colour ([`looks`]). There is no element per
//! seat: some hundred neighbours have one path per look, whose dots are zero-length lines with
//! caps. Sales redraw the neighbours of the seats that they took ([`SeatingPlan::update`]). One
//! section can be drawn with an element per seat ([`section`]).
//!
//! Plain rows of up to about 96,000 seats have a dot for every seat. Beyond, where dots would be
//! less than 3 pixels apart in a picture 1600 pixels wide, squares of n × n neighbours share a dot
//! whose area grows, in five steps, with the share of free seats; n is the least that brings dots
//! 6 pixels apart. So the file never grows beyond about a megabyte.

mod field;
mod frame;
mod geometry;
mod house;
mod legend;
mod looks;
mod markup;
mod names;
mod outlines;
mod section;
mod sprites;

use std::sync::Arc;

use domain::seat::CAPACITY_MAX;

use self::field::{Field, Statuses};
use self::geometry::Geometry;
use self::house::House;
use crate::document::PlanDocument;
use crate::error::RenderError;
use crate::raster::{self, Canvas};
use crate::scene::Item;
use crate::svg::{Page, Writer};
use crate::text::clean;
use domain::sold::SoldSeats;

pub use self::section::{Section, plan_section_svg, plan_sections};

const WIDTH_MIN: u32 = 200;
const WIDTH_MAX: u32 = 4000;

/// The seating plan as SVG, 1600 pixels wide.
///
/// The root's direct child `<desc>` is `{concert id}|{capacity}|{sold seats}`. Words are `<text>`
/// elements. Over the seats lies an outline of each section, which is not seen: a path with the
/// section's name in `data-section` and its seats in `data-seats`, for pages to be clicked on.
/// Beyond 1,000 sections the paths are empty, beyond 10,000 there are none.
///
/// Fails with [`RenderError::CapacityTooLarge`], [`RenderError::LayoutDiffers`] or
/// [`RenderError::SeatOutOfRange`].
pub fn plan_svg(document: &PlanDocument) -> Result<Vec<u8>, RenderError> {
    Ok(SeatingPlan::new(document.clone())?.svg())
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
    let scene = Scene::of(document);
    let size = [width_px, raster::scaled(scene.size, width_px)];
    let looks = scene.field.looks.iter().map(|look| look.colour);
    let shapes = scene.below.iter().filter_map(|item| match item {
        Item::Shape(shape) => Some(shape.colour),
        _ => None,
    });
    let mut canvas = Canvas::new(size, Canvas::colours(looks.chain(shapes)));
    let figures = frame::figures(document, document.sold.count());
    // The first item is the paper, which is there.
    canvas.draw(scene.below[1..].iter().chain(&figures), scene.size);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a picture of a few thousand pixels"
    )]
    let scale = width_px as f32 / scene.size[0];
    sprites::draw(&mut canvas, &scene.field, statuses_of(document), scale);
    canvas.draw(&scene.above, scene.size);
    raster::encode(&canvas, None)
}

/// A plan that is kept up to date: what a sale does not change is not drawn again.
pub struct SeatingPlan {
    document: PlanDocument,
    scene: Scene,
    /// Everything but figures and dots, before and after them.
    before: String,
    after: String,
    /// The dots of each chunk.
    chunks: Vec<String>,
}

impl SeatingPlan {
    /// Draws a plan. Fails as [`plan_svg`] does.
    pub fn new(document: PlanDocument) -> Result<Self, RenderError> {
        check(&document)?;
        let scene = Scene::of(&document);
        let markup = |items: &[Item]| {
            let mut writer = Writer::new();
            writer.items(items);
            writer.into_markup()
        };
        let statuses = statuses_of(&document);
        let field = &scene.field;
        let draw = |chunk| markup::chunk(field, chunk, statuses);
        Ok(Self {
            before: markup(&scene.below),
            after: markup(&scene.above) + &outlines::markup(&document),
            chunks: field.chunks.iter().map(draw).collect(),
            scene,
            document,
        })
    }

    /// Takes over what is sold and held now, and draws the dots of those seats again. Gives the
    /// number of chunks that were drawn. Fails with [`RenderError::SeatOutOfRange`].
    pub fn update(&mut self, sold: SoldSeats, held: SoldSeats) -> Result<usize, RenderError> {
        check_seats(&sold, self.document.capacity)?;
        check_seats(&held, self.document.capacity)?;
        if held.is_empty() != self.document.held.is_empty() {
            // The legend explains held seats only where there are some.
            let document = PlanDocument {
                sold,
                held,
                ..self.document.clone()
            };
            *self = Self::new(document)?;
            return Ok(self.chunks.len());
        }
        let (before_sold, before_held) = (&self.document.sold, &self.document.held);
        let statuses = Statuses {
            sold: &sold,
            held: &held,
        };
        let mut drawn = 0;
        for (chunk, markup) in self.scene.field.chunks.iter().zip(&mut self.chunks) {
            let same = sold.is_same_in(before_sold, chunk.seats.clone())
                && held.is_same_in(before_held, chunk.seats.clone());
            if !same {
                *markup = markup::chunk(&self.scene.field, chunk, statuses);
                drawn += 1;
            }
        }
        self.document.sold = sold;
        self.document.held = held;
        Ok(drawn)
    }

    /// Whether another document shows the same but for what is sold and held.
    pub fn is_of(&self, other: &PlanDocument) -> bool {
        let own = &self.document;
        let same_layout = match (&own.layout, &other.layout) {
            (None, None) => true,
            // Layouts never change, so another place in memory only costs a new drawing.
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            _ => false,
        };
        same_layout
            && own.concert_id == other.concert_id
            && own.concert_name == other.concert_name
            && own.venue == other.venue
            && own.date == other.date
            && own.capacity == other.capacity
            && own.prices == other.prices
            && own.language == other.language
    }

    /// What is drawn.
    pub fn document(&self) -> &PlanDocument {
        &self.document
    }

    /// The plan as it is now, as [`plan_svg`] gives it.
    pub fn svg(&self) -> Vec<u8> {
        let document = &self.document;
        let sold = document.sold.count();
        let description = format!("{}|{}|{sold}", document.concert_id, document.capacity);
        let [width, height] = self.scene.size.map(|length| length.to_string());
        let page = Page {
            width: &width,
            height: &height,
            view: self.scene.size,
            language: document.language.tag(),
        };
        let dots: usize = self.chunks.iter().map(String::len).sum();
        let length = dots + self.before.len() + self.after.len() + 4096;
        let mut writer = Writer::with_capacity(length);
        writer.open(&page, &clean(&description));
        writer.raw(&self.before);
        writer.items(&frame::figures(document, sold));
        for chunk in &self.chunks {
            writer.raw(chunk);
        }
        writer.raw(&self.after);
        writer.finish().into_bytes()
    }
}

impl std::fmt::Debug for SeatingPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeatingPlan")
            .field("concert_id", &self.document.concert_id)
            .field("chunks", &self.chunks.len())
            .finish_non_exhaustive()
    }
}

/// A plan before it is written in a format.
struct Scene {
    size: [f32; 2],
    /// Drawn before the dots, and after them.
    below: Vec<Item>,
    above: Vec<Item>,
    field: Field,
}

impl Scene {
    fn of(document: &PlanDocument) -> Self {
        if let Some(layout) = &document.layout {
            let house = House::of(layout);
            let size = house.size();
            let mut below = frame::head(document, size);
            below.extend(house.areas());
            let mut above = names::of_zones(&house);
            above.extend(legend::of_house(document, layout, size[1], house.pitch));
            return Self {
                size,
                below,
                above,
                field: Field::of_house(&house),
            };
        }
        let geometry = Geometry::of(document.capacity);
        let size = geometry.size();
        let mut below = frame::head(document, size);
        below.extend(frame::hall(&geometry, document.language));
        Self {
            size,
            below,
            above: legend::of_rows(document, &geometry),
            field: Field::of_rows(geometry),
        }
    }
}

fn statuses_of(document: &PlanDocument) -> Statuses<'_> {
    Statuses {
        sold: &document.sold,
        held: &document.held,
    }
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
    check_seats(&document.sold, capacity)?;
    check_seats(&document.held, capacity)
}

fn check_seats(seats: &SoldSeats, capacity: u32) -> Result<(), RenderError> {
    match seats.highest() {
        Some(seat) if seat >= capacity => Err(RenderError::SeatOutOfRange { seat, capacity }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
