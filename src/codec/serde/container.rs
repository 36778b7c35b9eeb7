//! Arrays and maps that are being written.

use crate::alloc::Text;
use crate::codec::code::{Kind, NIL};
use crate::codec::serde::{number, std_time, Serializer, Shape};
use crate::codec::{CodecError, Problem, Result};
use ::serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

/// How many values a container is to hold.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// The header says how many.
    Exactly(usize),
    /// The header is put right at the end.
    Unknown,
    /// So many, the eighth being the tuple of what is left.
    Tuple(usize),
    /// So many members of a class, which have types of their own.
    Members(usize),
    /// A class with int keys: the next one.
    Numbered(usize),
}

/// An array or a map that is being written.
pub struct Container<'s, 'w> {
    pub(super) to: &'s mut Serializer<'w>,
    /// Where its header is.
    pub(super) header: usize,
    pub(super) due: Due,
    pub(super) written: usize,
    /// How many values the header says.
    pub(super) announced: usize,
    /// The type's.
    pub(super) name: &'static str,
    /// Whether its surroundings are in a slot of type `object`.
    pub(super) in_object: bool,
}

impl Container<'_, '_> {
    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.written += 1;
        value.serialize(&mut *self.to)
    }

    #[cold]
    fn miscounted(&self, due: usize) -> Result<()> {
        let why =
            Text::say(format_args!("a container of {due} values was begun, and {} were written into it", self.written));
        Err(self.to.writer.error(Problem::Custom(why)))
    }

    #[inline]
    fn close(self) -> Result<()> {
        match self.due {
            Due::Exactly(due) | Due::Tuple(due) | Due::Members(due) if due != self.written => {
                return self.miscounted(due);
            }
            Due::Unknown => self.to.writer.recount(self.header, self.written)?,
            // Without holes the header is right.
            Due::Numbered(next) if next == self.announced => {}
            Due::Numbered(next) => self.to.writer.recount(self.header, next)?,
            _ => {}
        }
        self.to.in_object = self.in_object;
        self.to.leave();
        Ok(())
    }

    /// The first member of a struct has told how it is named.
    fn begin_object(&mut self, first: &'static str) -> Result<()> {
        if let Some(instead) = std_time(self.name, first) {
            return self.to.refused(format_args!("{instead}"));
        }
        if number(first).is_some() {
            self.to.writer.make_array(self.header);
            self.due = Due::Numbered(0);
        }
        Ok(())
    }

    /// Comes to a member that is named by number.
    fn numbered(&mut self, next: usize, key: &'static str) -> Result<()> {
        // No more than any class has: what is between two is filled.
        let number = number(key).and_then(|number| usize::try_from(number).ok()).filter(|number| *number < 0x1_0000);
        let Some(number) = number else {
            return self.to.refused(format_args!(
                "member {key:?} of {} is not named by a number from 0 to 65535, as its first one is: name all members by number, or none",
                self.name
            ));
        };
        if number < next {
            return self.to.refused(format_args!(
                "member {number} of {} comes after member {}: list the members in the order of their numbers, each once",
                self.name,
                next - 1
            ));
        }
        for _ in next..number {
            self.to.writer.nil()?;
        }
        self.due = Due::Numbered(number + 1);
        Ok(())
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        if self.written == 0 {
            self.begin_object(key)?;
        }
        self.written += 1;
        match self.due {
            Due::Numbered(next) => self.numbered(next, key)?,
            _ if self.to.shape == Shape::Map => self.to.writer.key(key)?,
            _ => {}
        }
        value.serialize(&mut *self.to)
    }

    fn skipped(&mut self, key: &'static str) -> Result<()> {
        if self.to.shape == Shape::Map && number(key).is_none() {
            return Ok(());
        }
        self.to.refused(format_args!(
            "member {key} of {} is left out (skip_serializing_if), and members of an array are told by their place: make it an Option",
            self.name
        ))
    }
}

impl SerializeSeq for Container<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.to.in_list = true;
        self.element(value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeTuple for Container<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if let Due::Tuple(length) = self.due {
            // C#'s eighth element is the tuple of all that are left.
            if self.written > 0 && self.written % 7 == 0 && length > self.written {
                self.to.writer.array_header((length - self.written).min(8))?;
            }
        }
        self.element(value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeTupleStruct for Container<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        SerializeTuple::serialize_element(self, value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeTupleVariant for Container<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeMap for Container<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        let begun = self.to.writer.bytes().len();
        key.serialize(&mut *self.to)?;
        if self.to.writer.bytes().get(begun) == Some(&NIL) {
            return self.to.refused(format_args!("a key of a map is {}, and C# reads no such key", Kind::Nil.name()));
        }
        self.to.in_list = false;
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.element(value)?;
        self.to.in_list = false;
        Ok(())
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeStruct for Container<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.member(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<()> {
        self.skipped(key)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.close()
    }
}

impl SerializeStructVariant for Container<'_, '_> {
    type Ok = ();
    type Error = CodecError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.member(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<()> {
        self.skipped(key)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}
