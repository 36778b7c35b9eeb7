//! Checks of the words: what README shows is what is compiled, what the pages name exists, what they link to is there.

use crate::files::read;
use crate::process::{program, root, stdout, Result};
use crate::tools::Verdict;
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

/// What a page shows, each between `<!-- FILE -->` and `<!-- end of FILE -->`: the file, or of a Rust file its first doc test.
pub const SHOWN: &[(&str, &str)] = &[
    ("README.md", "examples/csharp/Readme/Program.cs"),
    ("README.md", "examples/csharp/Durable/Program.cs"),
    ("README.md", "examples/c/readme.c"),
    ("README.md", "examples/cpp/readme.cpp"),
    ("README.md", "src/lib.rs"),
    ("docs/getting-started.md", "examples/csharp/GettingStarted/Program.cs"),
    ("docs/getting-started.md", "examples/csharp/GettingStarted.Tests/ImportTests.cs"),
    ("docs/hosting.md", "examples/csharp/Hosting/Program.cs"),
    ("docs/testing.md", "tests/dotnet/Backrun.Testing.Tests/Examples/ShopTests.cs"),
    ("docs/creatio.md", "examples/csharp/Creatio/UsrActivityCreator.cs"),
    ("docs/creatio.md", "examples/csharp/Creatio/Program.cs"),
    ("docs/messagepack.md", "examples/csharp/BesideC/parcels.c"),
    ("docs/messagepack.md", "examples/csharp/BesideC/Program.cs"),
    ("docs/messagepack.md", "examples/cpp/messagepack.cpp"),
];

pub type Check = fn() -> Result<Verdict>;

pub const CHECKS: &[(&str, Check)] = &[
    ("every test that docs/guarantees.md and docs/architecture.md name is in the file beside it", named_tests_exist),
    ("every relative link of a page leads to something", || on_every_page(dead_links)),
    ("every footnote of a page is used and defined", || on_every_page(lonely_footnotes)),
];

pub fn page_shows(page: &str, file: &str) -> Result<Verdict> {
    let shown = block(&read(page)?, file).map_err(|missing| format!("{page} {missing}"))?;
    let source = read(file)?;
    let real = if file.ends_with(".rs") { doc_test(&source) } else { source };
    match first_difference(&shown, &real) {
        None => Ok(Verdict::Fine),
        Some(what) => Err(format!("{page} and {file}, of which one is to follow the other, differ {what}")),
    }
}

/// The code between a file's two comments, without the fence around it.
fn block(page: &str, file: &str) -> Result<String> {
    let missing = || format!("does not show {file} between `<!-- {file} -->` and `<!-- end of {file} -->`");
    let (_, rest) = page.split_once(&format!("<!-- {file} -->\n```")).ok_or_else(missing)?;
    let (fenced, _) = rest.split_once(&format!("\n```\n<!-- end of {file} -->")).ok_or_else(missing)?;
    let (_language, code) = fenced.split_once('\n').ok_or_else(missing)?;
    Ok(format!("{code}\n"))
}

/// The first doc test of a module's comment, without the lines that rustdoc hides.
fn doc_test(source: &str) -> String {
    let comment = source.lines().map_while(|line| line.strip_prefix("//!"));
    let test = comment.map(|line| line.strip_prefix(' ').unwrap_or(line)).skip_while(|line| !line.starts_with("```"));
    let code = test.skip(1).take_while(|line| !line.starts_with("```")).filter(|line| !line.starts_with("# "));
    code.map(|line| format!("{line}\n")).collect()
}

fn first_difference(one: &str, other: &str) -> Option<String> {
    let at = one.lines().zip(other.lines()).position(|(a, b)| a != b);
    let at = at.or_else(|| (one != other).then(|| one.lines().count().min(other.lines().count())))?;
    let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
    Some(format!("in line {}:\n  {}\n  {}", at + 1, line(one), line(other)))
}

fn named_tests_exist() -> Result<Verdict> {
    let mut missing = String::new();
    for page in ["docs/guarantees.md", "docs/architecture.md"] {
        let text = read(page)?;
        let named = named_tests(&text);
        if named.is_empty() {
            return Err(format!("{page} names no test in the form `name` (file)"));
        }
        for (test, file) in named {
            if !read(file).is_ok_and(|source| defines(&source, file, test)) {
                missing.push_str(&format!("\n  {page}: {test} is not in {file}"));
            }
        }
    }
    fine_if_empty(&missing)
}

/// What stands in a page as "`name` (folder/file)".
fn named_tests(page: &str) -> Vec<(&str, &str)> {
    let is_name = |text: &&str| text.contains('_') && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_file = |text: &&str| text.contains('/') && text.contains('.') && !text.contains(char::is_whitespace);
    page.match_indices("` (")
        .filter_map(|(at, found)| {
            let name = page[..at].rsplit('`').next().filter(is_name)?;
            let (file, _) = page[at + found.len()..].split_once(')')?;
            Some((name, file)).filter(|(_, file)| is_file(file))
        })
        .collect()
}

fn defines(source: &str, file: &str, test: &str) -> bool {
    source.contains(&match file.rsplit('.').next() {
        Some("rs") => format!("fn {test}("),
        Some("c" | "cpp") => format!("TEST({test})"),
        Some("txt") => format!("NAME {test} "),
        _ => format!(" {test}("),
    })
}

fn on_every_page(look: fn(&str, &str) -> Vec<String>) -> Result<Verdict> {
    let pages = stdout(program("git").args(["ls-files", "-z", "-co", "--exclude-standard", "--", "*.md"]))?;
    let mut found = String::new();
    for page in pages.split('\0').filter(|page| root().join(page).is_file()) {
        look(page, &prose(&read(page)?)).iter().for_each(|what| found.push_str(&format!("\n  {page}: {what}")));
    }
    fine_if_empty(&found)
}

fn fine_if_empty(found: &str) -> Result<Verdict> {
    found.is_empty().then_some(Verdict::Fine).ok_or_else(|| found.to_owned())
}

/// A page without what is code: fenced blocks, and spans between two backticks.
fn prose(page: &str) -> String {
    let without_code = |line: &str| line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    lines(page).filter(|(_, is_code)| !is_code).map(|(line, _)| without_code(line) + "\n").collect()
}

/// The lines of a page, and whether each is one of a fenced block of code.
pub fn lines(page: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut in_fence = false;
    page.lines().map(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_fence ^= is_fence;
        (line, in_fence || is_fence)
    })
}

fn dead_links(page: &str, prose: &str) -> Vec<String> {
    let links = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link);
    let leads_nowhere = |link: &&str| {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let target = if file.is_empty() { root().join(page) } else { folder(page).join(file) };
        let text = || fs::read_to_string(&target).unwrap_or_default();
        !target.exists() || (!heading.is_empty() && !headings(&text()).contains(heading))
    };
    let ours = links.filter(|link| !link.contains("://") && !link.starts_with("mailto:"));
    ours.filter(leads_nowhere).map(|link| format!("there is no {link}")).collect()
}

fn folder(page: &str) -> std::path::PathBuf {
    root().join(Path::new(page).parent().unwrap_or(Path::new("")))
}

/// The names by which links reach a page's headings, as GitHub makes them.
fn headings(page: &str) -> HashSet<String> {
    let lines = page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let keep = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    lines.map(|line| line.to_lowercase().chars().filter(keep).collect::<String>().replace(' ', "-")).collect()
}

fn lonely_footnotes(_: &str, prose: &str) -> Vec<String> {
    let (mut used, mut defined) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    for line in prose.lines() {
        let notes = line.match_indices("[^").filter_map(|(at, _)| line[at + 2..].split_once(']').map(|n| (at, n)));
        for (at, (name, rest)) in notes {
            if at > 0 || !rest.starts_with(':') {
                used.insert(name);
            } else if !defined.insert(name) {
                found.push(format!("the footnote {name} is defined twice"));
            }
        }
    }
    found.extend(used.difference(&defined).map(|name| format!("the footnote {name} is not defined")));
    found.extend(defined.difference(&used).map(|name| format!("the footnote {name} is not used")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_file_is_found_without_its_fence_and_a_difference_by_its_line() {
        let page = "x\n<!-- a/b.c -->\n```c\nint a;\n\nint b;\n```\n<!-- end of a/b.c -->\n";
        assert_eq!(block(page, "a/b.c").unwrap(), "int a;\n\nint b;\n");
        assert!(block(page, "a/c.c").is_err());
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert!(first_difference("a\nb\n", "a\nc\n").unwrap().starts_with("in line 2:"));
        assert!(first_difference("a\n", "a\nc\n").unwrap().starts_with("in line 2:"));
    }

    #[test]
    fn a_doc_test_is_read_without_its_hidden_lines() {
        let source = "//! Words.\n//!\n//! ```\n//! let a = 1;\n//!\n//! # Ok(())\n//! ```\n//! More.\n\nmod a;\n";
        assert_eq!(doc_test(source), "let a = 1;\n\n");
    }

    #[test]
    fn tests_are_named_with_their_files_and_found_in_them() {
        let page = "- `a_b` (tests/x.rs)\nand `A_b` (tests/X.cs); `no` (b/c.d), `a_c` (see above)";
        assert_eq!(named_tests(page), [("a_b", "tests/x.rs"), ("A_b", "tests/X.cs")]);
        assert!(defines("fn a_b() {", "x.rs", "a_b") && !defines("// see a_b(", "x.rs", "a_b"));
        assert!(defines("TEST(a_b) {", "x.c", "a_b") && !defines("TEST(a_b_c) {", "x.c", "a_b"));
    }

    #[test]
    fn links_and_footnotes_that_lead_nowhere_are_found_outside_of_code() {
        let page =
            prose("[a](#backrun) [b](xtask/src) [c](https://x.y) [d](no.md) [e](#b) `[f](g)`\n```\n[h](i)\n```\n");
        assert_eq!(dead_links("README.md", &page), ["there is no no.md", "there is no #b"]);
        let notes = lonely_footnotes("", "a[^x] b[^y]\n[^x]: X[^x]\n[^z]: Z\n");
        assert_eq!(notes, ["the footnote y is not defined", "the footnote z is not used"]);
    }
}
