//! The values, which are those of benches/dotnet/Backrun.Benchmarks/Codec/CodecValues.cs, and each way to write and read them.

use crate::Operation;
use backrun::codec::dotnet::{ArrayReader, ArrayWriter, DateTime, Guid, MapReader, MapWriter, NativeDateTime};
use backrun::codec::serde::Options;
use backrun::codec::{self, typeless, Decode, Encode, Reader, Result, Settings, TypeName, Writer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::hint::black_box;

pub trait Case: Send + Sync {
    fn bytes(&self) -> &[u8];
    /// Whether it has such an operation.
    fn run(&self, operation: Operation, times: u64) -> bool;
}

/// In this order by number.
pub fn all(name: &str) -> Vec<Box<dyn Case>> {
    let name: &'static str = name.to_owned().leak();
    let list = || vec![sample(); 1000];
    let texts = || vec!["a text of 64 characters, as it stands in many columns of a table".to_owned(); 16 * 1024];
    let keyed = || {
        let Named { id, name, count, at, tags } = sample();
        Keyed { id, name, count, at, tags }
    };
    vec![
        serde_case(sample()),
        encode_case(sample()),
        Box::new(Rmp {
            value: sample(),
            bytes: rmp_serde::to_vec_named(&sample()).unwrap(),
            write: rmp_serde::to_vec_named,
        }),
        serde_case(keyed()),
        encode_case(keyed()),
        // It knows no keys: its arrays go by place, as `Named` does.
        Box::new(Rmp { value: sample(), bytes: rmp_serde::to_vec(&sample()).unwrap(), write: rmp_serde::to_vec }),
        Box::new(Typeless { name, value: sample(), bytes: typeless_bytes(name, &sample()) }),
        serde_case(list()),
        encode_case(list()),
        serde_case(texts()),
        encode_case(texts()),
        Box::new(Borrowed(codec::to_vec(&sample()).unwrap())),
    ]
}

#[derive(Serialize, Deserialize, Clone, Default)]
#[serde(rename_all = "PascalCase")]
pub struct Named {
    id: Guid,
    name: String,
    count: i32,
    at: DateTime,
    tags: Vec<String>,
}

/// [`Named`] whose texts stay where they are.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "it is only made")]
struct NamedBorrowed<'a> {
    id: Guid,
    name: &'a str,
    count: i32,
    at: DateTime,
    #[serde(borrow)]
    tags: Vec<&'a str>,
}

struct Borrowed(Vec<u8>);

impl Case for Borrowed {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn run(&self, operation: Operation, times: u64) -> bool {
        operation == Operation::Read
            && repeat(times, || codec::from_slice::<NamedBorrowed<'_>>(black_box(&self.0)).unwrap().count)
    }
}

#[derive(Serialize, Deserialize, Clone, Default)]
pub struct Keyed {
    #[serde(rename = "0")]
    id: Guid,
    #[serde(rename = "1")]
    name: String,
    #[serde(rename = "2")]
    count: i32,
    #[serde(rename = "3")]
    at: DateTime,
    #[serde(rename = "4")]
    tags: Vec<String>,
}

fn sample() -> Named {
    Named {
        id: "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap(),
        name: "import of contacts 7".into(),
        count: 1234,
        at: DateTime::utc(638_397_614_456_789_012),
        tags: ["crm", "nightly", "eu-west"].map(str::to_owned).into(),
    }
}

impl Encode for Named {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        MapWriter::new(writer, 5)?
            .member("Id", &self.id)?
            .member("Name", &self.name)?
            .member("Count", &self.count)?
            .member("At", &self.at)?
            .member("Tags", &self.tags)?
            .end()
    }
}

impl Decode<'_> for Named {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let mut read = Self::default();
        let mut members = MapReader::new(reader)?;
        while let Some(name) = members.next_key()? {
            match name {
                "Id" => read.id = members.value()?,
                "Name" => read.name = members.value()?,
                "Count" => read.count = members.value()?,
                "At" => read.at = members.value()?,
                "Tags" => read.tags = members.value()?,
                _ => {}
            }
        }
        Ok(read)
    }
}

impl Encode for Keyed {
    fn encode(&self, writer: &mut Writer) -> Result<()> {
        ArrayWriter::new(writer, 4)?
            .member(0, &self.id)?
            .member(1, &self.name)?
            .member(2, &self.count)?
            .member(3, &self.at)?
            .member(4, &self.tags)?
            .end()
    }
}

impl Decode<'_> for Keyed {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let mut read = Self::default();
        let mut members = ArrayReader::new(reader)?;
        while let Some(key) = members.next_key()? {
            match key {
                0 => read.id = members.value()?,
                1 => read.name = members.value()?,
                2 => read.count = members.value()?,
                3 => read.at = members.value()?,
                4 => read.tags = members.value()?,
                _ => {}
            }
        }
        Ok(read)
    }
}

/// Through serde.
struct Serde<T> {
    value: T,
    bytes: Vec<u8>,
}

fn serde_case<T: Serialize + DeserializeOwned + Send + Sync + 'static>(value: T) -> Box<dyn Case> {
    let bytes = codec::to_vec(&value).unwrap();
    Box::new(Serde { value, bytes })
}

impl<T: Serialize + DeserializeOwned + Send + Sync> Case for Serde<T> {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn run(&self, operation: Operation, times: u64) -> bool {
        match operation {
            Operation::Write => repeat(times, || codec::to_vec(black_box(&self.value)).unwrap()),
            Operation::WriteKept => {
                let mut writer = Writer::new();
                repeat(times, || {
                    writer.truncate(0);
                    codec::serde::to_writer(black_box(&self.value), &mut writer, &Options::default()).unwrap();
                    writer.bytes().len()
                })
            }
            Operation::Read => repeat(times, || codec::from_slice::<T>(black_box(&self.bytes)).unwrap()),
            _ => false,
        }
    }
}

/// Through `Encode` and `Decode`.
struct Encoded<T> {
    value: T,
    bytes: Vec<u8>,
}

fn encode_case<T: Encode + for<'a> Decode<'a> + Send + Sync + 'static>(value: T) -> Box<dyn Case> {
    let bytes = codec::encode(&value).unwrap();
    Box::new(Encoded { value, bytes })
}

impl<T: Encode + for<'a> Decode<'a> + Send + Sync> Case for Encoded<T> {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn run(&self, operation: Operation, times: u64) -> bool {
        match operation {
            Operation::Write => repeat(times, || codec::encode(black_box(&self.value)).unwrap()),
            Operation::WriteKept => {
                let mut writer = Writer::new();
                repeat(times, || {
                    writer.truncate(0);
                    black_box(&self.value).encode(&mut writer).unwrap();
                    writer.bytes().len()
                })
            }
            Operation::Read => repeat(times, || codec::decode::<T>(black_box(&self.bytes)).unwrap()),
            _ => false,
        }
    }
}

/// Through rmp-serde, whose bytes are the same here since the types bring their form along.
struct Rmp<T> {
    value: T,
    bytes: Vec<u8>,
    write: fn(&T) -> std::result::Result<Vec<u8>, rmp_serde::encode::Error>,
}

impl<T: Serialize + DeserializeOwned + Send + Sync> Case for Rmp<T> {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn run(&self, operation: Operation, times: u64) -> bool {
        match operation {
            Operation::Write => repeat(times, || (self.write)(black_box(&self.value)).unwrap()),
            Operation::Read => repeat(times, || rmp_serde::from_slice::<T>(black_box(&self.bytes)).unwrap()),
            _ => false,
        }
    }
}

/// With the name of its type.
struct Typeless {
    name: &'static str,
    value: Named,
    bytes: Vec<u8>,
}

fn write_typeless(writer: &mut Writer, name: &str, value: &Named) -> Result<()> {
    typeless::write(writer, name, |writer| {
        MapWriter::new(writer, 5)?
            .member("Id", &value.id)?
            .member("Name", &value.name)?
            .member("Count", &value.count)?
            .member("At", &NativeDateTime(value.at))?
            .member("Tags", &value.tags)?
            .end()
    })
}

fn typeless_bytes(name: &str, value: &Named) -> Vec<u8> {
    let mut writer = Writer::new();
    write_typeless(&mut writer, name, value).unwrap();
    writer.into_bytes()
}

fn read_typeless(bytes: &[u8]) -> Result<Named> {
    let mut reader = Reader::new(bytes);
    let allow = |name: &TypeName<'_>| name.is("Backrun.Benchmarks.Work.NamedParameters");
    typeless::read(&mut reader, &allow)?;
    let mut read = Named::default();
    let mut members = MapReader::new(&mut reader)?;
    while let Some(name) = members.next_key()? {
        match name {
            "Id" => read.id = members.value()?,
            "Name" => read.name = members.value()?,
            "Count" => read.count = members.value()?,
            "At" => read.at = members.value::<NativeDateTime>()?.0,
            "Tags" => read.tags = members.value()?,
            _ => {}
        }
    }
    Ok(read)
}

impl Case for Typeless {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn run(&self, operation: Operation, times: u64) -> bool {
        match operation {
            Operation::Write => repeat(times, || typeless_bytes(black_box(self.name), black_box(&self.value))),
            Operation::WriteKept => {
                let mut writer = Writer::with_settings(Settings::default());
                repeat(times, || {
                    writer.truncate(0);
                    write_typeless(&mut writer, black_box(self.name), black_box(&self.value)).unwrap();
                    writer.bytes().len()
                })
            }
            Operation::Read => repeat(times, || read_typeless(black_box(&self.bytes)).unwrap()),
            _ => false,
        }
    }
}

/// The result is dropped, as it is in a program.
fn repeat<R>(times: u64, mut run: impl FnMut() -> R) -> bool {
    (0..times).for_each(|_| {
        black_box(run());
    });
    true
}

#[inline(never)]
pub fn skip(bytes: &[u8]) {
    black_box(Reader::new(bytes).skip().unwrap());
}

#[inline(never)]
pub fn validate(bytes: &[u8]) {
    codec::validate(bytes, Settings::default()).unwrap();
}

#[inline(never)]
pub fn load(bytes: &[u8]) {
    let (chunks, rest) = bytes.split_at(bytes.len() / 64 * 64);
    let mut sums = [0u64; 8];
    for chunk in chunks.chunks_exact(64) {
        for (sum, word) in sums.iter_mut().zip(chunk.chunks_exact(8)) {
            *sum ^= u64::from_ne_bytes(word.try_into().unwrap_or_default());
        }
    }
    black_box((sums, rest.iter().fold(0, |sum, byte| sum ^ byte)));
}
