//! The site of the documentation, by docfx: `cargo xtask site`.
//!
//! The pages of docs/ link to files of the repository, as its readers have them. The site has no repository around it: so the pages are put
//! together anew in a folder of their own, what they link to beside them.

use crate::docs;
use crate::files::{entries, name as name_of, read, write};
use crate::folders;
use crate::process::{root, run, stdout, Result};
use crate::tools::dotnet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Where the site lies then, and what it is made of.
const SITE: &str = "artifacts/site";
const SOURCE: &str = "artifacts/site-source";
/// The assemblies that have pages: what a program is compiled against, of the oldest framework.
const ASSEMBLIES: &str = "bindings/csharp";
const FRAMEWORK: &str = "net8.0";

pub fn command(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        return Err("site takes no arguments".to_owned());
    }
    println!("{}", make()?.display());
    Ok(())
}

/// Makes the site anew, and returns its folder. A warning is an error: mostly a link that leads nowhere.
pub fn make() -> Result<PathBuf> {
    let source = folders::empty(root().join(SOURCE))?;
    let site = folders::empty(root().join(SITE))?;
    assemblies(&source)?;
    pages(&source)?;
    stdout(dotnet().args(["tool", "restore"]))?;
    let mut docfx = dotnet();
    docfx.arg("docfx").arg(source.join("docfx.json")).args(["--warningsAsErrors", "--logLevel", "warning"]);
    run(&mut docfx)?;
    if site.join("index.html").is_file() && site.join("api").is_dir() {
        return Ok(site);
    }
    Err(format!("docfx has left no page in {}", site.display()))
}

/// Those of the packages with what they say of themselves, and apart from these what they refer to.
fn assemblies(source: &Path) -> Result<()> {
    let (built, ours, others) = (source.join("built"), source.join("assemblies"), source.join("references"));
    let mut names = Vec::new();
    for project in entries(&root().join(ASSEMBLIES))? {
        // What a package promises to its users is written down there.
        if project.join("PublicAPI.Shipped.txt").is_file() {
            let mut build = dotnet();
            build.arg("build").arg(&project).args(["-c", "Release", "-f", FRAMEWORK, "--verbosity", "quiet"]);
            build.args(["-p:BuildNativeLibrary=false", "-p:CopyLocalLockFileAssemblies=true", "--output"]).arg(&built);
            stdout(&mut build)?;
            names.push(name_of(&project));
        }
    }
    if names.is_empty() {
        return Err(format!("no project below {ASSEMBLIES} has a PublicAPI.Shipped.txt"));
    }
    for file in entries(&built)? {
        let (name, stem) = (name_of(&file), file.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        let is_ours = names.iter().any(|ours| Some(ours) == stem.as_ref());
        if is_ours && (name.ends_with(".dll") || name.ends_with(".xml")) {
            copy(&file, &ours.join(name))?;
        } else if name.ends_with(".dll") {
            copy(&file, &others.join(name))?;
        }
    }
    Ok(())
}

fn pages(source: &Path) -> Result<()> {
    let contents = read("docs/site/toc.yml")?;
    for page in entries(&root().join("docs"))? {
        let name = name_of(&page);
        if !name.ends_with(".md") {
            continue;
        }
        if !contents.contains(&format!("href: {name}\n")) {
            return Err(format!("docs/site/toc.yml does not name docs/{name}, which nobody would find"));
        }
        page_of(source, &format!("docs/{name}"), &name)?;
    }
    page_of(source, "docs/site/index.md", "index.md")?;
    let mut toc = String::new();
    let mut index = "# Decisions\n\n".to_owned();
    for page in entries(&root().join("docs/decisions"))? {
        let name = name_of(&page);
        let title = page_of(source, &format!("docs/decisions/{name}"), &format!("decisions/{name}"))?;
        toc.push_str(&format!("- name: \"{}\"\n  href: {name}\n", title.replace('"', "'")));
        index.push_str(&format!("- [{title}]({name})\n"));
    }
    put(&source.join("decisions/toc.yml"), &toc)?;
    put(&source.join("decisions/index.md"), &index)?;
    put(&source.join("toc.yml"), &contents)?;
    put(&source.join("docfx.json"), &read("docs/site/docfx.json")?)
}

/// Puts a page into its place, and what it links to. Its title.
fn page_of(source: &Path, page: &str, place: &str) -> Result<String> {
    let text = read(page)?;
    let mut linked = Vec::new();
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let on_site = with_links(&text, |link| {
        if link.contains("://") || link.starts_with('#') || link.starts_with("mailto:") {
            return Place::Same;
        }
        let (file, heading) = link.split_once('#').map_or((link, String::new()), |(file, at)| (file, format!("#{at}")));
        let target = without_dots(&folder.join(file));
        if target == Path::new("docs/decisions") {
            return Place::At("~/decisions/index.md".to_owned());
        }
        if let Ok(page) = target.strip_prefix("docs") {
            return Place::At(format!("~/{}{heading}", page.display()));
        }
        if !root().join(&target).is_file() {
            return Place::Nowhere;
        }
        linked.push(target.clone());
        Place::At(format!("~/files/{}", target.display()))
    });
    for file in linked {
        copy(&root().join(&file), &source.join("files").join(&file))?;
    }
    put(&source.join(place), &on_site)?;
    text.lines()
        .find_map(|line| line.strip_prefix("# "))
        .map(str::to_owned)
        .ok_or_else(|| format!("{page} has no title"))
}

/// Where a link leads on the site.
enum Place {
    Same,
    At(String),
    /// A folder, or something that is in the repository only.
    Nowhere,
}

/// A page with other links, but for what is code. What leads nowhere is a word like others.
fn with_links(page: &str, mut place_of: impl FnMut(&str) -> Place) -> String {
    let mut made = String::with_capacity(page.len());
    for (line, is_code) in docs::lines(page) {
        match is_code {
            true => made.push_str(line),
            false => line_with_links(line, &mut place_of, &mut made),
        }
        made.push('\n');
    }
    made
}

fn line_with_links(line: &str, place_of: &mut impl FnMut(&str) -> Place, made: &mut String) {
    let mut rest = line;
    // What several places link to: `[name]: file`.
    if let Some((name, link)) = line.split_once("]: ").filter(|(name, _)| name.starts_with('[') && !name.contains('^'))
    {
        match place_of(link.trim()) {
            Place::At(place) => return made.push_str(&format!("{name}]: {place}")),
            Place::Same | Place::Nowhere => return made.push_str(line),
        }
    }
    while let Some(at) = rest.find("](") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        let Some((link, after)) = after.split_once(')') else { break };
        made.push_str(before);
        // An odd number of backticks: it stands in a span of code.
        let is_code = line[..line.len() - rest.len() + at].matches('`').count() % 2 == 1;
        match if is_code { Place::Same } else { place_of(link) } {
            Place::Same => made.push_str(&format!("]({link})")),
            Place::At(place) => made.push_str(&format!("]({place})")),
            Place::Nowhere => {
                // Its text, without the bracket that begins it.
                if let Some(begins) = made.rfind('[') {
                    made.remove(begins);
                }
            }
        }
        rest = after;
    }
    made.push_str(rest);
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

fn put(file: &Path, text: &str) -> Result<()> {
    folders::make_for(file)?;
    write(file, text)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    folders::make_for(to)?;
    fs::copy(from, to).map(drop).map_err(|e| format!("cannot copy {} to {}: {e}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_led_elsewhere_or_become_words_and_code_stays_as_it_is() {
        let page = "# A\n[b](c.md) and [d](e/), `[f](g)`, [`h`](i)\n```\n[j](k)\n```\n";
        let made = with_links(page, |link| match link {
            "c.md" => Place::At("~/c.md".to_owned()),
            "e/" => Place::Nowhere,
            _ => Place::Same,
        });
        assert_eq!(made, "# A\n[b](~/c.md) and d, `[f](g)`, [`h`](i)\n```\n[j](k)\n```\n");
        assert_eq!(without_dots(Path::new("docs/decisions/../../include/backrun.h")), Path::new("include/backrun.h"));
    }
}
