//! Writes the C header: `header OUT`. `cargo xtask header` starts it.
//!
//! Only src/ffi is read. The rest of the crate is not the border, and cbindgen would make a `#define` of each of its public constants.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

fn main() -> ExitCode {
    let Some(out) = std::env::args().nth(1) else {
        eprintln!("usage: header OUT");
        return ExitCode::from(2);
    };
    log::set_logger(&Complaints).expect("no logger was set before");
    log::set_max_level(log::LevelFilter::Warn);

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tools/header lies in the repository");
    let config = match cbindgen::Config::from_file(root.join("cbindgen.toml")) {
        Ok(config) => config,
        Err(what) => {
            eprintln!("header: {what}");
            return ExitCode::FAILURE;
        }
    };
    match cbindgen::Builder::new().with_config(config).with_src(root.join("src/ffi/mod.rs")).generate() {
        // A header that lacks something is worse than none.
        Ok(_) if COMPLAINED.load(Ordering::Relaxed) => ExitCode::FAILURE,
        Ok(bindings) => {
            bindings.write_to_file(out);
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("header: {what}");
            ExitCode::FAILURE
        }
    }
}

static COMPLAINED: AtomicBool = AtomicBool::new(false);

/// Shows what cbindgen could not translate; it leaves such items out and goes on.
struct Complaints;

impl log::Log for Complaints {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.level() <= log::Level::Warn
    }

    fn log(&self, record: &log::Record) {
        let text = record.args().to_string();
        // A constant that is private to its file is rightly left out.
        if self.enabled(record.metadata()) && !text.ends_with("(not `pub`).") {
            eprintln!("header: {text}");
            COMPLAINED.store(true, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}
