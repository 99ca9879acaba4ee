//! The attribute of tests that run on every engine. Written by hand on token trees: the usual
//! crates for it take longer to build than the tests that it is for.

use proc_macro::{TokenStream, TokenTree};

/// Where a server may be, as a constructor of `tests::Engine` and as the end of a test's name.
const ENGINES: [(&str, &str); 3] = [
    ("Embedded", "embedded"),
    ("Cluster { servers: 1 }", "cluster"),
    ("Cluster { servers: 3 }", "cluster_of_three"),
];

/// Always so where tests stand; it tells the lints that the function is a test and may `unwrap`.
const ONLY_IN_TESTS: &str = "#[cfg(test)]";

/// Makes a function without arguments a test of each engine: `sold_out` becomes
/// `sold_out::embedded`, `sold_out::cluster` and `sold_out::cluster_of_three`. Servers and homes
/// that the function makes are on that engine. An `async` one gets a runtime of several threads, or
/// with `every_engine(one_thread)` of one.
#[proc_macro_attribute]
pub fn every_engine(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let flavor = match arguments.to_string().as_str() {
        "" => "multi_thread",
        "one_thread" => "current_thread",
        other => panic!("`every_engine` knows `one_thread` and not `{other}`"),
    };
    let words: Vec<String> = function
        .clone()
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        })
        .collect();
    let at = words.iter().position(|word| word == "fn");
    let at = at.expect("`every_engine` stands before a function");
    let name = &words[at + 1];
    let is_async = at > 0 && words[at - 1] == "async";
    let tests = ENGINES.map(|(engine, test)| {
        if is_async {
            asynchronous(name, engine, test, flavor)
        } else {
            synchronous(name, engine, test)
        }
    });
    let module = format!("{ONLY_IN_TESTS} mod {name} {{ {} }}", tests.concat());
    let [module, before] = [module.as_str(), ONLY_IN_TESTS].map(|text| {
        let stream: Result<TokenStream, _> = text.parse();
        stream.expect("it is Rust")
    });
    [before, function, module].into_iter().collect()
}

fn asynchronous(name: &str, engine: &str, test: &str, flavor: &str) -> String {
    format!(
        "#[::tokio::test(flavor = \"{flavor}\")]
         async fn {test}() {{
             ::tests::Engine::{engine}.during(super::{name}()).await;
         }}"
    )
}

fn synchronous(name: &str, engine: &str, test: &str) -> String {
    format!(
        "#[test]
         fn {test}() {{
             ::tests::Engine::{engine}.during_call(super::{name});
         }}"
    )
}
