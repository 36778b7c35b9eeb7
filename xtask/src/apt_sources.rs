//! Reads apt's source lists, to learn which Debian mirror this machine uses.

use std::fs;
use std::path::Path;

/// One place that apt fetches packages from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    pub uri: String,
    pub suites: Vec<String>,
    pub components: Vec<String>,
    pub signed_by: Option<String>,
}

/// The mirror to fetch Debian's packages from: the first source that serves `main` of the machine's own release.
pub fn debian_mirror(sources: &[Source], codename: &str) -> Option<(String, Option<String>)> {
    let names_of_releases = [codename, "stable", "testing", "unstable", "sid"];
    let serves_main = |source: &&Source| source.components.iter().any(|c| c == "main");
    let of_release = |source: &&Source| source.suites.iter().any(|s| names_of_releases.contains(&s.as_str()));
    let found = sources.iter().find(|s| serves_main(s) && of_release(s))?;
    Some((found.uri.clone(), found.signed_by.clone()))
}

/// Every source of the machine, in apt's own order: sources.list, then sources.list.d by name.
pub fn of_machine() -> Vec<Source> {
    let folder = Path::new("/etc/apt");
    let mut found = Vec::new();
    if let Ok(text) = fs::read_to_string(folder.join("sources.list")) {
        found.extend(parse_list(&text));
    }
    let mut files: Vec<_> =
        fs::read_dir(folder.join("sources.list.d")).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|e| e.to_str()) {
            Some("list") => found.extend(parse_list(&text)),
            Some("sources") => found.extend(parse_deb822(&text)),
            _ => {}
        }
    }
    found
}

/// The one-line form: `deb [signed-by=KEY] URI SUITE COMPONENT...`.
pub fn parse_list(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_list_line).collect()
}

fn parse_list_line(line: &str) -> Option<Source> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let mut rest = line.strip_prefix("deb")?;
    if !rest.starts_with(char::is_whitespace) {
        return None; // deb-src
    }
    rest = rest.trim_start();
    let mut signed_by = None;
    if let Some(options) = rest.strip_prefix('[') {
        let (options, after) = options.split_once(']')?;
        signed_by = options.split_whitespace().find_map(|o| o.strip_prefix("signed-by=")).map(str::to_owned);
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source { uri: words.next()?, suites: vec![words.next()?], components: words.collect(), signed_by })
}

/// The deb822 form: paragraphs of `Field: value`, continued on lines that begin with a space.
pub fn parse_deb822(text: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            found.extend(source_of_paragraph(&fields));
            fields.clear();
        } else if line.starts_with('#') {
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    found
}

/// A paragraph may name several addresses; each is a source.
fn source_of_paragraph(fields: &[(String, String)]) -> Vec<Source> {
    let words = |name: &str| -> Vec<String> {
        let value = fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap_or_default();
        value.split_whitespace().map(str::to_owned).collect()
    };
    if !words("types").iter().any(|t| t == "deb") || words("enabled").first().is_some_and(|e| e == "no") {
        return Vec::new();
    }
    // A key may also stand in the file itself, as a block over several lines; only a file's name is of use here.
    let signed_by = words("signed-by").into_iter().next().filter(|k| k.starts_with('/'));
    let source =
        |uri| Source { uri, suites: words("suites"), components: words("components"), signed_by: signed_by.clone() };
    words("uris").into_iter().map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_form_with_and_without_options() {
        let text = "# deb http://old.test/debian sid main\n\
                    deb http://mirror.test/debian bookworm main contrib # ours\n\
                    deb-src http://mirror.test/debian bookworm main\n\
                    deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] https://other.test/x stable main\n";
        let sources = parse_list(text);
        assert_eq!(sources.len(), 2);
        assert_eq!(sources[0].uri, "http://mirror.test/debian");
        assert_eq!(sources[0].components, ["main", "contrib"]);
        assert_eq!(sources[1].signed_by.as_deref(), Some("/usr/share/keyrings/k.gpg"));
    }

    #[test]
    fn deb822_form_with_comments_continuations_and_disabled_paragraphs() {
        let text = "Types: deb\n# a comment\nURIs: http://mirror.test/debian\nSuites: trixie\n trixie-updates\nComponents: main\n\
                    Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
                    Types: deb deb-src\nEnabled: no\nURIs: http://off.test/debian\nSuites: trixie\nComponents: main\n";
        let sources = parse_deb822(text);
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].suites, ["trixie", "trixie-updates"]);
        assert_eq!(sources[0].signed_by.as_deref(), Some("/usr/share/keyrings/debian-archive-keyring.gpg"));
    }

    #[test]
    fn the_mirror_is_the_one_of_the_release_and_not_the_one_of_a_vendor() {
        let text = "deb https://vendor.test/apt cloud-bookworm main\n\
                    deb http://mirror.test/debian-security bookworm-security main\n\
                    deb http://mirror.test/debian bookworm main\n";
        let (uri, _) = debian_mirror(&parse_list(text), "bookworm").expect("a mirror");
        assert_eq!(uri, "http://mirror.test/debian");
        assert_eq!(debian_mirror(&parse_list(text), "noble"), None);
    }
}
