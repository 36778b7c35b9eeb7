//! Lines that the codec makes: `vectors --make COUNT [--seed N] [--version 2.5|3.1] [--from I] FILE`.
//!
//! Random values of .NET's own types, as the codec's types for them, which write them. MessagePack-CSharp is to read them as the same
//! values, and to write the same bytes: `Backrun.Vectors check FILE` asks it. The number I of a family's lines depends on the seed alone, so
//! that one line can be had again.

mod made;
mod names;
mod random;
mod scalars;
mod texts;
mod types;
mod values;

use crate::classes::Classes;
use crate::csharp::Type;
use crate::line::sha256;
use crate::options::Options;
use crate::value::to_hex;
use backrun::codec::{lz4, to_json, Version};
use made::{quoted, Made};
use random::Random;
use std::fmt::Write as _;
use std::path::Path;
use types::Types;
use values::Values;

/// The enums that the lines name.
const ENUMS: &str = include_str!("../../../../tests/dotnet/Backrun.Vectors/Shapes/Enums.cs");

/// What the program was told.
pub struct Arguments {
    count: u64,
    seed: u64,
    from: u64,
    version: Version,
    file: String,
}

impl Arguments {
    /// From what follows `--make`.
    pub fn parse(given: &[String]) -> Result<Arguments, String> {
        let mut parsed = Arguments { count: 0, seed: 1, from: 0, version: Version::V3_1, file: String::new() };
        let mut rest = given.iter();
        parsed.count = number("--make", rest.next())?;
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--seed" => parsed.seed = number(argument, rest.next())?,
                "--from" => parsed.from = number(argument, rest.next())?,
                "--version" => {
                    parsed.version = match rest.next().map(String::as_str) {
                        Some("2.5") => Version::V2_5,
                        Some("3.1") => Version::V3_1,
                        other => return Err(format!("--version is followed by 2.5 or 3.1, not by {other:?}")),
                    }
                }
                file if parsed.file.is_empty() && !file.starts_with("--") => parsed.file = file.to_owned(),
                other => return Err(format!("what is {other:?}? {USAGE}")),
            }
        }
        match parsed.file.is_empty() {
            true => Err(format!("the file is missing: {USAGE}")),
            false => Ok(parsed),
        }
    }
}

pub const USAGE: &str = "vectors --make COUNT [--seed N] [--version 2.5|3.1] [--from I] FILE";

fn number(name: &str, text: Option<&String>) -> Result<u64, String> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| format!("{name} is followed by a whole number: {USAGE}"))
}

/// A sort of lines.
struct Family {
    /// Its lines' ids begin with it.
    name: &'static str,
    /// How often it comes, beside the others'.
    weight: u64,
    /// Of these each line has one.
    options: &'static [&'static str],
    /// Its type, from the options' types.
    of: fn(&Types<'_>, &mut Random) -> Type,
    op: Op,
}

#[derive(Clone, Copy)]
enum Op {
    Write,
    Lz4,
    ToJson,
}

const FAMILIES: &[Family] = &[
    Family {
        name: "scalar",
        weight: 10,
        options: &["standard", "standard", "native", "contractless"],
        of: |types, random| types.scalar(random),
        op: Op::Write,
    },
    Family { name: "nested", weight: 14, options: &["standard", "standard", "contractless"], of: deep, op: Op::Write },
    Family {
        name: "slot",
        weight: 8,
        options: &["standard", "contractless", "primitive-object"],
        of: |_, _| Type::named("object"),
        op: Op::Write,
    },
    Family { name: "native", weight: 4, options: &["native", "native-contractless"], of: deep, op: Op::Write },
    Family { name: "enumstring", weight: 4, options: &["enumstring"], of: deep, op: Op::Write },
    Family { name: "oldspec", weight: 4, options: &["standard+oldspec"], of: old, op: Op::Write },
    Family {
        name: "typeless",
        weight: 12,
        options: &["typeless", "typeless", "typeless+omitversion"],
        of: |_, _| Type::named("object"),
        op: Op::Write,
    },
    Family { name: "lz4", weight: 6, options: &["standard+lz4block", "standard+lz4blockarray"], of: list, op: Op::Lz4 },
    Family {
        name: "tojson",
        weight: 8,
        options: &["standard", "standard+lz4block", "standard+lz4blockarray", "typeless"],
        of: deep,
        op: Op::ToJson,
    },
];

fn deep(types: &Types<'_>, random: &mut Random) -> Type {
    loop {
        let depth = random.between(1, 3) as usize;
        let of = types.any(random, depth);
        // .NET allows names of 1,024 characters, and formatters are made whose names hold this one.
        if names::full(&of).len() < 400 {
            return of;
        }
    }
}

/// Every second time a list.
fn list(types: &Types<'_>, random: &mut Random) -> Type {
    match random.one_in(2) {
        true => Type::Named("List".to_owned(), vec![types.any(random, 1)]),
        false => deep(types, random),
    }
}

/// What the old specification has no form for stays out of the slots too.
fn old(types: &Types<'_>, random: &mut Random) -> Type {
    let depth = random.below(3);
    types.any(random, depth)
}

pub fn run(arguments: &Arguments) -> Result<(), String> {
    let lines = lines(arguments, &Classes::parse(ENUMS)?)?;
    let path = Path::new(&arguments.file);
    let write = |path: &Path, text: &str| {
        std::fs::write(path, text).map_err(|what| format!("cannot write {}: {what}", path.display()))
    };
    write(path, &lines)?;
    // For whoever reads the lines.
    write(&path.with_file_name("types.cs.txt"), ENUMS)?;
    println!("{} lines, seed {}", lines.lines().count(), arguments.seed);
    Ok(())
}

fn lines(arguments: &Arguments, enums: &Classes) -> Result<String, String> {
    let weight: u64 = FAMILIES.iter().map(|family| family.weight).sum();
    let mut lines = String::new();
    for family in FAMILIES {
        let count = (arguments.count * family.weight / weight).max(1);
        for number in arguments.from..arguments.from + count {
            line(&mut lines, arguments, enums, family, number)?;
        }
    }
    Ok(lines)
}

fn line(
    lines: &mut String,
    arguments: &Arguments,
    enums: &Classes,
    family: &Family,
    number: u64,
) -> Result<(), String> {
    let random = &mut Random::of(arguments.seed, family.name, number);
    let named = random.pick(family.options);
    let options = Options::parse(named, arguments.version)?;
    let of = (family.of)(&Types { options: &options }, random);
    let values = Values { options: &options, enums };
    let made = if options.compression.is_some() { values.large(random, &of) } else { values.make(random, &of) };
    let id = format!("{}/{}-{number}@{named}", family.name, arguments.seed);
    let body = values::bytes(&made, &options).map_err(|error| format!("{id} cannot be written: {error}"))?;
    let (op, version) = match (family.op, arguments.version) {
        (Op::Write, version) => ("write", version),
        (Op::Lz4, version) => ("lz4", version),
        (Op::ToJson, version) => ("tojson", version),
    };
    let version = if version == Version::V2_5 { "2.5" } else { "3.1" };
    let _ = write!(lines, "{{\"id\":{},\"op\":\"{op}\",\"version\":\"{version}\",\"options\":\"{named}\"", quoted(&id));
    told(lines, family.op, &of, &made, &body, &options).map_err(|error| format!("{id}: {error}"))?;
    lines.push_str("}\n");
    Ok(())
}

/// The rest of the line.
fn told(
    lines: &mut String,
    op: Op,
    of: &Type,
    made: &Made,
    body: &[u8],
    options: &Options,
) -> backrun::codec::Result<()> {
    let message = lz4::compress(body, options.settings().compression)?;
    if let Op::Write | Op::Lz4 = op {
        let _ = write!(lines, ",\"type\":{},\"value\":{}", quoted(&of.to_string()), made.told);
    }
    let _ = write!(lines, ",\"hex\":\"{}\"", to_hex(&message));
    match op {
        Op::Write => {}
        Op::Lz4 => {
            let _ = write!(lines, ",\"body_len\":{},\"body_sha256\":\"{}\"", body.len(), sha256(body));
            let container = crate::checks::container_name(&message)?;
            let _ = write!(lines, ",\"container\":\"{container}\",\"total_len\":{}", message.len());
        }
        Op::ToJson => {
            let _ = write!(lines, ",\"json\":{}", quoted(&to_json(&message, &options.settings())?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{lines, Arguments, ENUMS};
    use crate::checks::{self, Outcome};
    use crate::classes::Classes;
    use crate::line::Line;
    use crate::world::World;

    fn made(more: &[&str]) -> String {
        let given: Vec<String> = ["--make", "600", "FILE"].iter().chain(more).map(|text| (*text).to_owned()).collect();
        lines(&Arguments::parse(&given[1..]).unwrap(), &Classes::parse(ENUMS).unwrap()).unwrap()
    }

    #[test]
    fn what_the_codecs_types_write_is_what_the_way_of_the_golden_lines_writes() {
        let world = World { classes: Classes::parse(ENUMS).unwrap(), ..World::default() };
        for version in ["2.5", "3.1"] {
            let made = made(&["--version", version, "--seed", "7"]);
            assert!(made.lines().count() > 500);
            for text in made.lines() {
                let outcome = checks::run(&world, &Line::parse(text).unwrap());
                assert_eq!(outcome, Outcome::Passed, "{text}");
            }
        }
    }

    #[test]
    fn a_line_depends_on_the_seed_and_its_number_alone() {
        let all = made(&[]);
        let later = made(&["--from", "5"]);
        let of_five = |lines: &str| lines.lines().find(|line| line.contains("\"nested/1-5@")).map(str::to_owned);
        assert!(of_five(&all).is_some());
        assert_eq!(of_five(&all), of_five(&later));
        assert_ne!(all, made(&["--seed", "2"]));
    }

    #[test]
    fn what_it_is_told_and_cannot_take_is_named() {
        let refused = |given: &[&str]| {
            let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
            Arguments::parse(&given).err().unwrap_or_default()
        };
        assert!(refused(&["x", "FILE"]).contains("--make is followed by a whole number"));
        assert!(refused(&["5"]).contains("the file is missing"));
        assert!(refused(&["5", "--version", "4", "FILE"]).contains("2.5 or 3.1"));
        assert!(refused(&["5", "FILE", "OTHER"]).contains("OTHER"));
    }
}
