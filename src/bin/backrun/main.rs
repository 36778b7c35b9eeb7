//! `backrun`: looks after a store file. Reading works beside a running engine; what changes something needs the file for itself.

mod change;
mod exchange;
mod keys;
mod look;
mod shown;

use backrun::{State, TaskId};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

type Result<T> = std::result::Result<T, String>;

/// Looks after the tasks of a Backrun store file.
///
/// list, show, export, check and stats also work while an application has the file. retry, cancel, purge, import, encrypt and vacuum need it
/// for themselves: end the application, or ask it instead.
#[derive(Parser)]
#[command(name = "backrun", version, max_term_width = 120)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// A file with the keys of an encrypted store file, one a line: its id, a space, and its 32 bytes in base64; the first one encrypts
    #[arg(long, global = true, value_name = "FILE")]
    keys: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Prints tasks, those with the smallest ids first
    List {
        /// The store file
        file: PathBuf,
        #[command(flatten)]
        filter: Filter,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// As JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Prints all that is known of tasks, their payload as JSON
    Show {
        /// The store file
        file: PathBuf,
        /// Task ids
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Has dead tasks run again when an application opens the file next
    Retry {
        /// The store file
        file: PathBuf,
        /// Task ids
        ids: Vec<i64>,
        /// All dead tasks, or all of --name
        #[arg(long, conflicts_with = "ids", required_unless_present = "ids")]
        all: bool,
        /// Only tasks of this name
        #[arg(long)]
        name: Option<String>,
    },
    /// Cancels tasks that have not run
    Cancel {
        /// The store file
        file: PathBuf,
        /// Task ids
        #[arg(required = true)]
        ids: Vec<i64>,
        /// Why; kept with the task
        #[arg(long, default_value = "cancelled by the program backrun")]
        reason: String,
    },
    /// Forgets tasks that have ended
    Purge {
        /// The store file
        file: PathBuf,
        #[command(flatten)]
        filter: Filter,
        /// Only tasks that ended so long ago, such as 90s, 30m, 12h or 7d
        #[arg(long, value_parser = duration)]
        older_than: Option<Duration>,
    },
    /// Writes tasks that have not ended, and dead ones, to standard output
    Export {
        /// The store file
        file: PathBuf,
        #[command(flatten)]
        filter: Filter,
        /// As MessagePack, one map after the other, instead of JSON lines
        #[arg(long)]
        messagepack: bool,
    },
    /// Reads tasks that were exported from standard input; they get new ids
    Import {
        /// The store file; made if there is none
        file: PathBuf,
        /// As MessagePack instead of JSON lines
        #[arg(long)]
        messagepack: bool,
    },
    /// Encrypts all payloads, user contexts and results with the first of --keys: what is not encrypted, and what is with the others
    Encrypt {
        /// The store file
        file: PathBuf,
    },
    /// Gives back to the file system what is not in use; needs as much room again as is in use
    Vacuum {
        /// The store file
        file: PathBuf,
    },
    /// Reads the whole file, and tells whether it is sound
    Check {
        /// The store file
        file: PathBuf,
    },
    /// Tells how many tasks there are, by state and name
    Stats {
        /// The store file
        file: PathBuf,
    },
}

/// Which tasks are meant. By default, all.
#[derive(Args)]
struct Filter {
    /// In this state: scheduled, ready, pending, succeeded, dead or cancelled; may be given several times
    #[arg(long = "state", value_parser = state)]
    states: Vec<State>,
    /// Of this name
    #[arg(long)]
    name: Option<String>,
    /// Of this queue
    #[arg(long)]
    queue: Option<String>,
    /// With a larger id
    #[arg(long)]
    after: Option<i64>,
}

fn state(text: &str) -> Result<State> {
    let known = [State::Scheduled, State::Ready, State::Pending, State::Succeeded, State::Dead, State::Cancelled];
    known
        .into_iter()
        .find(|state| shown::state(*state) == text)
        .ok_or_else(|| "pass scheduled, ready, pending, succeeded, dead or cancelled".to_owned())
}

fn duration(text: &str) -> Result<Duration> {
    let wrong = || format!("'{text}' is no duration; pass a number and s, m, h or d, such as 90s or 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

fn id(number: i64) -> Result<TaskId> {
    TaskId::new(number).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let Arguments { command, keys } = Arguments::parse();
    let keys = keys.as_deref();
    let done = match command {
        Command::List { file, filter, limit, json } => look::list(&file, &filter, limit, json),
        Command::Show { file, ids } => look::show(&file, &ids, keys),
        Command::Retry { file, ids, all: _, name } => change::retry(&file, &ids, name.as_deref()),
        Command::Cancel { file, ids, reason } => change::cancel(&file, &ids, &reason),
        Command::Purge { file, filter, older_than } => change::purge(&file, &filter, older_than),
        Command::Export { file, filter, messagepack } => exchange::export(&file, &filter, messagepack, keys),
        Command::Import { file, messagepack } => exchange::import(&file, messagepack, keys),
        Command::Check { file } => look::check(&file, keys),
        Command::Encrypt { file } => change::encrypt(&file, keys),
        Command::Vacuum { file } => change::vacuum(&file),
        Command::Stats { file } => look::stats(&file),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has enough: `backrun list FILE | head`.
        Err(error) if error.is_empty() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("backrun: {error}");
            ExitCode::FAILURE
        }
    }
}
