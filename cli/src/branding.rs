//! How tickets look: fonts and the venue's brand, from files.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use renderers::{BrandColour, Logo};
use serde::Deserialize;
use workers::Branding;

use crate::config::TicketsConfig;

/// The most bytes of a brand's file, and of a font's.
const BRAND_BYTES_MAX: u64 = 2 * 1024 * 1024;
const FONT_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BrandFile {
    colour: Option<BrandColour>,
    logo: Option<Logo>,
    terms: Option<String>,
}

/// Adds the fonts to those that are built in, for the life of the process, and reads the brand.
pub(crate) fn load(config: &TicketsConfig) -> anyhow::Result<Branding> {
    // A process that opens the engine again has them already.
    static ADDED: AtomicBool = AtomicBool::new(false);
    let fonts = config.fonts.iter().map(|path| read(path, FONT_BYTES_MAX));
    let fonts = fonts.collect::<anyhow::Result<Vec<_>>>()?;
    if !fonts.is_empty() && !ADDED.swap(true, Ordering::Relaxed) {
        renderers::add_fonts(fonts).context("tickets.fonts")?;
    }
    if config.brand_file.as_os_str().is_empty() {
        return Ok(Branding::default());
    }
    let path = &config.brand_file;
    let file: BrandFile = serde_json::from_slice(&read(path, BRAND_BYTES_MAX)?)
        .with_context(|| format!("tickets.brand_file {}", path.display()))?;
    let brand = renderers::Brand {
        colour: file.colour,
        logo: file.logo,
    };
    Ok(Branding {
        brand: (brand != renderers::Brand::default()).then_some(brand),
        terms: file.terms,
    })
}

fn read(path: &Path, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("{} cannot be read", path.display());
    let size = std::fs::metadata(path).with_context(cannot)?.len();
    if size > bytes_max {
        bail!(
            "{} has {size} bytes; {bytes_max} are the most",
            path.display()
        );
    }
    std::fs::read(path).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(brand: &str, folder: &Path) -> TicketsConfig {
        let brand_file = folder.join("brand.json");
        std::fs::write(&brand_file, brand).unwrap();
        TicketsConfig {
            fonts: Vec::new(),
            brand_file,
        }
    }

    #[test]
    fn brand_is_read_and_a_wrong_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let good = r##"{"colour": "#0a7d4f", "terms": "No refunds."}"##;
        let branding = load(&config(good, folder.path())).unwrap();
        assert_eq!(branding.terms.as_deref(), Some("No refunds."));
        assert!(branding.brand.is_some_and(|brand| brand.logo.is_none()));
        for wrong in [
            r#"{"colour": "red"}"#,
            r#"{"logo": "no"}"#,
            r#"{"x": 1}"#,
            "",
        ] {
            let error = load(&config(wrong, folder.path())).unwrap_err();
            assert!(format!("{error:#}").contains("brand.json"), "{error:#}");
        }
    }
}
