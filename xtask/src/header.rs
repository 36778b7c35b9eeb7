//! The C header include/backrun.h, which tools/header generates from src/ffi.

use crate::crates;
use crate::folders;
use crate::process::{capture, program, root, run, Result};
use std::fs;
use std::path::{Path, PathBuf};

pub const HEADER: &str = "include/backrun.h";

pub fn command(arguments: &[String]) -> Result<()> {
    match arguments {
        [] => write(&root().join(HEADER)),
        [flag] if flag == "--check" => check(),
        _ => Err("header takes --check or nothing".to_owned()),
    }
}

/// Fails, with the difference, unless the committed header is what src/ffi says today.
pub fn check() -> Result<()> {
    let fresh = root().join("target/backrun.h");
    write(&fresh)?;
    let committed = root().join(HEADER);
    if fs::read(&committed).ok() == fs::read(&fresh).ok() {
        return Ok(());
    }
    let diff = capture(program("diff").args(["-u", HEADER, "target/backrun.h"]))?;
    Err(format!("{HEADER} is not what src/ffi says; run \"cargo xtask header\":\n{}{}", diff.stdout, diff.stderr))
}

fn write(to: &Path) -> Result<()> {
    let folder = to.parent().expect("a file in a folder");
    folders::make(folder)?;
    run(crates::cargo()?.args(["run", "--quiet", "--package", "header", "--"]).arg(to))
}

/// The functions that the committed header declares, sorted.
pub fn declared_functions() -> Result<Vec<String>> {
    let path: PathBuf = root().join(HEADER);
    let text = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    Ok(functions_in(&text))
}

/// A name that stands outside of any parentheses and is followed by one is a function; `(*run)(` in a struct or a typedef is a pointer to one.
fn functions_in(header: &str) -> Vec<String> {
    let text = without_comments_and_directives(header);
    let mut found = Vec::new();
    let mut depth = 0usize;
    let mut word = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '_' => {
                word.push(c);
                continue;
            }
            '(' => {
                if depth == 0 && word.starts_with("backrun_") {
                    found.push(word.clone());
                }
                depth += 1;
            }
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        word.clear();
    }
    found.sort();
    found
}

fn without_comments_and_directives(header: &str) -> String {
    let mut text = String::new();
    let mut rest = header;
    while let Some((before, after)) = rest.split_once("/*") {
        text.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let kept = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    kept.map(|line| format!("{}\n", line.split("//").next().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::functions_in;

    #[test]
    fn functions_are_found_and_pointers_to_functions_are_not() {
        let header = r#"
/* Generated; backrun_in_a_comment( */
#define BACKRUN_OK 0
// backrun_also_in_a_comment(void)
typedef struct backrun_engine backrun_engine;
typedef void (*backrun_log_fn)(void *user_data, backrun_str text);
typedef struct backrun_handler {
  int32_t (*run)(void *user_data, backrun_task *task);
} backrun_handler;
const char *backrun_version(void);
int32_t backrun_engine_submit_async(backrun_engine *engine,
                                    void (*done)(void *user_data, int32_t code),
                                    backrun_error **out_error);
"#;
        assert_eq!(functions_in(header), ["backrun_engine_submit_async", "backrun_version"]);
    }
}
