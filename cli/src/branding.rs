//! How tickets look: fonts and the venue's brand, from files.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail};
use renderers::{BrandColour, Logo};
use serde::Deserialize;
use workers::{Branding, VenueBrand};

use crate::config::{TicketsConfig, VenueConfig};
use crate::json;

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

/// Adds the fonts to those that are built in, for the life of the process, and reads the brands.
pub(crate) fn load(config: &TicketsConfig) -> anyhow::Result<Branding> {
    // A process that opens the engine again has them already.
    static ADDED: AtomicBool = AtomicBool::new(false);
    let fonts = config.fonts.iter().map(|path| read(path, FONT_BYTES_MAX));
    let fonts = fonts.collect::<anyhow::Result<Vec<_>>>()?;
    if !fonts.is_empty() && !ADDED.swap(true, Ordering::Relaxed) {
        renderers::add_fonts(fonts).context("tickets.fonts")?;
    }
    let mut branding = Branding {
        usual: VenueBrand::default(),
        venues: HashMap::with_capacity(config.venues.len()),
        on_missing: config.on_missing,
    };
    if !config.brand_file.as_os_str().is_empty() {
        branding.usual = brand(&config.brand_file).context("tickets.brand_file")?;
    }
    for VenueConfig { name, brand_file } in &config.venues {
        let brand = brand(brand_file).with_context(|| format!("tickets.venues {name:?}"))?;
        if branding.venues.insert(name.clone(), brand).is_some() {
            bail!("tickets.venues: {name:?} comes more than once");
        }
    }
    Ok(branding)
}

fn brand(path: &Path) -> anyhow::Result<VenueBrand> {
    let file: BrandFile =
        json::read(&read(path, BRAND_BYTES_MAX)?).with_context(|| path.display().to_string())?;
    let brand = renderers::Brand {
        colour: file.colour,
        logo: file.logo,
    };
    Ok(VenueBrand {
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
    use renderers::OnMissing;

    use super::*;

    fn config(brand: &str, folder: &Path) -> TicketsConfig {
        let brand_file = folder.join("brand.json");
        std::fs::write(&brand_file, brand).unwrap();
        TicketsConfig {
            fonts: Vec::new(),
            brand_file,
            venues: Vec::new(),
            on_missing: OnMissing::Frame,
        }
    }

    #[test]
    fn brand_is_read_and_a_wrong_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let good = r##"{"colour": "#0a7d4f", "terms": "No refunds."}"##;
        let branding = load(&config(good, folder.path())).unwrap();
        assert_eq!(branding.usual.terms.as_deref(), Some("No refunds."));
        assert!(
            branding
                .usual
                .brand
                .is_some_and(|brand| brand.logo.is_none())
        );
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

    #[test]
    fn venues_have_brands_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(r#"{"terms": "Ours."}"#, folder.path());
        let arena = folder.path().join("arena.json");
        std::fs::write(&arena, r#"{"terms": "Theirs."}"#).unwrap();
        config.venues.push(VenueConfig {
            name: "Arena".into(),
            brand_file: arena,
        });
        let branding = load(&config).unwrap();
        assert_eq!(branding.usual.terms.as_deref(), Some("Ours."));
        assert_eq!(branding.venues["Arena"].terms.as_deref(), Some("Theirs."));
        config.venues.push(config.venues[0].clone());
        assert!(load(&config).unwrap_err().to_string().contains("Arena"));
        config.venues[0].brand_file = folder.path().join("none.json");
        let error = format!("{:#}", load(&config).unwrap_err());
        assert!(
            error.contains("Arena") && error.contains("none.json"),
            "{error}"
        );
    }
}
