//! The tools that look at rendered files from outside.

use std::path::Path;
use std::process::Command;

/// Runs a tool and gives its standard output; a missing tool or a bad exit fails the test.
///
/// # Panics
///
/// With the tool's name, and where it comes from, if it is not installed.
#[track_caller]
pub fn run(tool: &str, args: &[&str], file: &Path) -> String {
    let output = Command::new(tool).args(args).arg(file).output().unwrap_or_else(|error| {
        panic!("{tool} cannot be run ({error}); tests/run installs it (qpdf, poppler-utils, zbar-tools)")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{tool} {}: {errors}",
        file.display()
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The words of a PDF.
#[track_caller]
pub fn pdf_text(file: &Path) -> String {
    let output = Command::new("pdftotext")
        .arg("-layout")
        .arg(file)
        .arg("-")
        .output();
    let output = output.expect("pdftotext is installed (poppler-utils)");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("pdftotext writes UTF-8")
}

/// The codes in a picture, one a line.
#[track_caller]
pub fn codes(picture: &Path) -> String {
    run("zbarimg", &["--quiet", "--raw"], picture)
}
