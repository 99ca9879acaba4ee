//! The ticket's code as a QR symbol.

use fast_qr::{ECL, QRBuilder};

use crate::error::RenderError;

/// Modules that must stay light on each side of a symbol (ISO/IEC 18004).
pub(crate) const QUIET_ZONE: u8 = 4;

/// A symbol without its quiet zone.
#[derive(Debug, Clone)]
pub(crate) struct Symbol {
    /// Modules on a side: 21 to 177.
    pub(crate) side: u8,
    /// The dark modules, as runs `(column, row, length)`.
    pub(crate) runs: Vec<(u8, u8, u8)>,
}

/// Encodes `code` with error correction M, which restores 15 % of a scratched symbol.
pub(crate) fn encode(code: &str) -> Result<Symbol, RenderError> {
    let symbol = QRBuilder::new(code)
        .ecl(ECL::M)
        .build()
        .map_err(|_| RenderError::CodeTooLong { length: code.len() })?;
    let side = u8::try_from(symbol.size).expect("a symbol has at most 177 modules on a side");
    let mut runs = Vec::new();
    for row in 0..side {
        let modules = &symbol[usize::from(row)];
        let mut column = 0;
        while column < side {
            let dark = (column..side).take_while(|c| modules[usize::from(*c)].value());
            let length = u8::try_from(dark.count()).expect("a row has at most 177 modules");
            if length > 0 {
                runs.push((column, row, length));
            }
            column += length + 1;
        }
    }
    Ok(Symbol { side, runs })
}
