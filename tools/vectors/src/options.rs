//! The serializer options of a line.

use backrun::codec::{lz4, Settings, Version};

/// Which of MessagePack-CSharp's resolvers is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolver {
    Standard,
    Contractless,
    Typeless,
    PrimitiveObject,
}

/// How a message is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    Block,
    BlockArray,
}

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub version: Version,
    pub resolver: Resolver,
    /// Members that are not public take part.
    pub private: bool,
    /// DateTime, Guid and decimal have their native forms.
    pub native: bool,
    pub enum_as_text: bool,
    pub old_spec: bool,
    pub compression: Option<Compression>,
    pub omit_version: bool,
    pub allow_mismatch: bool,
    pub untrusted: bool,
}

impl Options {
    pub fn parse(text: &str, version: Version) -> Result<Options, String> {
        let mut options = Options {
            version,
            resolver: Resolver::Standard,
            private: false,
            native: false,
            enum_as_text: false,
            old_spec: false,
            compression: None,
            omit_version: false,
            allow_mismatch: false,
            untrusted: false,
        };
        for part in text.split('+') {
            let part = match part.strip_suffix("-private") {
                Some(part) => {
                    options.private = true;
                    part
                }
                None => part,
            };
            match part {
                "standard" => {}
                "contractless" => options.resolver = Resolver::Contractless,
                "typeless" => {
                    options.resolver = Resolver::Typeless;
                    options.private = true;
                }
                "native" => options.native = true,
                "native-contractless" => {
                    options.native = true;
                    options.resolver = Resolver::Contractless;
                }
                "enumstring" => options.enum_as_text = true,
                "primitive-object" => options.resolver = Resolver::PrimitiveObject,
                "oldspec" => options.old_spec = true,
                "lz4block" => options.compression = Some(Compression::Block),
                "lz4blockarray" => options.compression = Some(Compression::BlockArray),
                "omitversion" => options.omit_version = true,
                "allowmismatch" => options.allow_mismatch = true,
                "untrusted" => options.untrusted = true,
                _ => return Err(format!("the option {part:?} is unknown")),
            }
        }
        Ok(options)
    }

    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.version = self.version;
        settings.old_spec = self.old_spec;
        settings.compression = match self.compression {
            Some(Compression::Block) => lz4::Compression::Lz4Block,
            Some(Compression::BlockArray) => lz4::Compression::Lz4BlockArray,
            None => lz4::Compression::None,
        };
        if !self.untrusted {
            settings.max_decompressed = i32::MAX as u64;
        }
        if self.version == Version::V2_5 && !self.untrusted {
            // That line has no limit for data that is trusted.
            settings.max_depth = u32::MAX;
        }
        settings
    }

    /// The library's version 3 has some types more.
    pub fn is_v3(&self) -> bool {
        self.version != Version::V2_5
    }

    /// DateTime as a number: the native resolver, which the typeless one includes.
    pub fn native_time(&self) -> bool {
        self.native || self.resolver == Resolver::Typeless
    }

    /// Where the resolver itself writes integers at their full width.
    pub fn full_integers(&self) -> bool {
        matches!(self.resolver, Resolver::Typeless | Resolver::PrimitiveObject)
    }
}
