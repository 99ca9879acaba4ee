//! SVG: tickets as they are. Words are left out; a code is a path.

use resvg::tiny_skia::Transform;

use super::grey::Grey;
use super::{failed, sheet};
use crate::brand::parse_svg;
use crate::error::RenderError;

pub(super) fn read(file: &[u8]) -> Result<Grey, RenderError> {
    let source = std::str::from_utf8(file).map_err(|_| failed("it is not UTF-8"))?;
    let tree = parse_svg(source).map_err(failed)?;
    let size = tree.size();
    let (mut sheet, scale) = sheet(size.width(), size.height())?;
    let scale = Transform::from_scale(scale, scale);
    resvg::render(&tree, scale, &mut sheet.as_mut());
    Ok(Grey::of_drawing(&sheet))
}
