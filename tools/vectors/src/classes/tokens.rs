//! The words of a C# source.

/// Words, numbers, literals and signs; comments and directives left out. A literal keeps its quotes.
pub fn of(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            c if c.is_whitespace() => {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            '/' if rest.starts_with("//") => {
                rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = rest.split_once("*/").map_or("", |(_, rest)| rest);
                continue;
            }
            '#' => {
                rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
                continue;
            }
            '"' | '\'' => literal(rest, first),
            c if c.is_alphanumeric() || c == '_' || c == '@' => {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '@')).unwrap_or(rest.len())
            }
            '=' if rest.starts_with("=>") => 2,
            c => c.len_utf8(),
        };
        tokens.push(rest[..length].trim_start_matches('@').to_owned());
        rest = &rest[length..];
    }
    tokens
}

fn literal(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// What a literal of a text says.
pub fn text(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    text.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                other => text.push(other),
            },
            (c, false) => text.push(c),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn comments_are_no_words_and_literals_are_one() {
        assert_eq!(
            super::of("int a => \"x;\\\"y\"; // no\n[Key(1)]"),
            ["int", "a", "=>", "\"x;\\\"y\"", ";", "[", "Key", "(", "1", ")", "]"]
        );
        assert_eq!(super::text("\"\\u00e9a\"").unwrap(), "éa");
    }
}
