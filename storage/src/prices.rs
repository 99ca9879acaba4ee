//! Prices as both engines keep them: a JSON object of texts.

use std::collections::BTreeMap;

use domain::show::Prices;

pub(crate) fn write(prices: &Prices) -> String {
    let prices: BTreeMap<_, _> = prices.iter().collect();
    serde_json::to_string(&prices).expect("texts can be written")
}

pub(crate) fn read(json: &str) -> anyhow::Result<Prices> {
    let prices: BTreeMap<String, String> = serde_json::from_str(json)?;
    let unprintable = || anyhow::anyhow!("a price cannot be printed");
    Prices::parse(prices).ok_or_else(unprintable)
}
