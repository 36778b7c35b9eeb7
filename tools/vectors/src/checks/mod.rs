//! What each kind of line asks.

mod json;
mod lz4;
mod read;
mod write;

use crate::csharp::Type;
use crate::line::Line;
use crate::options::Options;
use crate::stop::Stop;
use crate::value::Value;
use crate::world::World;
use backrun::codec::Version;

pub use lz4::container_name;

/// What came of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Passed,
    Failed(String),
    NotApplicable(String),
}

/// How a check ends early: it failed, or it cannot be made.
pub enum End {
    Failed(String),
    NotApplicable(String),
}

type Checked = Result<(), End>;

/// A text says what differs.
impl From<String> for End {
    fn from(why: String) -> Self {
        End::Failed(why)
    }
}

/// What stops a value is a failure, unless nobody could have told.
impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Unknown(why) => End::NotApplicable(why),
            stop => End::Failed(stop.to_string()),
        }
    }
}

/// Runs a line under each of its versions.
pub fn run(world: &World, line: &Line) -> Outcome {
    let mut outcome = Outcome::Passed;
    for version in &line.versions {
        let one = match under(world, line, *version) {
            Ok(()) => continue,
            Err(End::NotApplicable(why)) => Outcome::NotApplicable(why),
            Err(End::Failed(why)) => {
                return Outcome::Failed(match version {
                    Version::V2_5 => format!("as version 2.5: {why}"),
                    _ => format!("as version 3.1: {why}"),
                })
            }
        };
        outcome = one;
    }
    outcome
}

fn under(world: &World, line: &Line, version: Version) -> Checked {
    let options = Options::parse(&line.options, version).map_err(End::NotApplicable)?;
    match line.op.as_str() {
        "write" => write::check(world, line, &options),
        "read" => read::check(world, line, &options),
        "lz4" => lz4::check(world, line, &options),
        "tojson" => json::to(line, &options),
        "fromjson" => json::from(line, &options),
        "serializetojson" => json::serialize(world, line, &options),
        "info" => Err(End::NotApplicable("it tells a fact in words".to_owned())),
        op => Err(End::NotApplicable(format!("the operation {op:?} is unknown"))),
    }
}

fn type_of(line: &Line) -> Result<Type, End> {
    let name = line.text("type").ok_or_else(|| End::NotApplicable("the line lacks its \"type\"".to_owned()))?;
    Type::parse(&name).map_err(End::NotApplicable)
}

fn value_of(line: &Line) -> Result<Value, End> {
    let value = line.json.get("value").ok_or_else(|| End::NotApplicable("the line lacks its \"value\"".to_owned()))?;
    Value::of(value).map_err(End::NotApplicable)
}

fn bytes_of(line: &Line, name: &str) -> Result<Vec<u8>, End> {
    line.bytes(name)?.ok_or_else(|| End::NotApplicable(format!("the line lacks its {name:?}")))
}

/// Refusals that are about types and not about values: .NET has no formatter for one, or cannot load it.
const ABOUT_TYPES: &[&str] = &[
    "FormatterNotRegisteredException",
    "MessagePackDynamicObjectResolverException",
    "TypeInitializationException",
    "TypeLoadException",
    "FileNotFoundException",
    "FileLoadException",
    "CultureNotFoundException",
];

/// The codec does not know the types of a program. What refuses some of them is refused by nobody here.
fn is_about_types(errors: &[String]) -> bool {
    errors.iter().any(|error| ABOUT_TYPES.contains(&error.as_str()))
}

fn about_types<T>(errors: &[String]) -> Result<T, End> {
    let last = errors.last().map_or("", String::as_str);
    Err(End::NotApplicable(format!("{last}: it is refused for its type, and the codec knows no types of a program")))
}

/// Something was refused: with the exception that is due?
fn refused(stop: Stop, errors: &[String], options: &Options) -> Checked {
    if let Stop::Unknown(why) = stop {
        return Err(End::NotApplicable(why));
    }
    let kinds = stop.kinds(options.version);
    match errors.last() {
        Some(due) if !kinds.contains(&due.as_str()) && is_about_types(errors) => about_types(errors),
        Some(due) if !kinds.contains(&due.as_str()) => {
            Err(End::Failed(format!("{due} is due, and this was found: {stop} ({})", kinds.join(", "))))
        }
        _ => Ok(()),
    }
}
