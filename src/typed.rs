//! Handlers of typed parameters, and tasks with them: the engine's bytes and the codec put together.
//!
//! Parameters are any type with serde's `Serialize` and `Deserialize`; [`codec::serde`] says which C# class has the same bytes. A
//! C# program can so hand over tasks that a Rust handler runs, and the other way round.
//!
//! ```
//! use backrun::{Engine, EngineOptions, State};
//! use serde::{Deserialize, Serialize};
//!
//! // public class Import { public string File { get; set; } public int FirstLine { get; set; } }
//! #[derive(Serialize, Deserialize)]
//! #[serde(rename_all = "PascalCase")]
//! struct Import {
//!     file: String,
//!     first_line: u32,
//! }
//!
//! let engine = Engine::start(EngineOptions::default())?;
//! engine.register_typed("import", |task, import: Import| {
//!     if import.first_line == 0 {
//!         return Err("lines are counted from 1");
//!     }
//!     println!("task {}: {} from line {}", task.id(), import.file, import.first_line);
//!     Ok(())
//! })?;
//! let id = engine.submit_typed("import", &Import { file: "a.csv".into(), first_line: 2 })?;
//! assert_eq!(engine.wait(id, None)?.state, State::Succeeded);
//! # Ok::<(), backrun::Error>(())
//! ```
//!
//! **A run whose bytes cannot be read as the parameters' type has failed for good**, whatever its retry policy: the bytes stay what they are, and so
//! would the outcome. Its failure names the type, the byte and what was expected there. A new version of a type should read what an old one has
//! written: members can be added with `#[serde(default)]`, and what a type does not know is skipped.

use crate::alloc::Text;
use crate::codec;
use crate::codec::serde::Options;
use crate::codec::CodecError;
use crate::engine::{Engine, Handler, IntoOutcome, TaskContext};
use crate::error::{Error, Result};
use crate::options::TaskOptions;
use crate::task::{Failure, Outcome, Submission, TaskId};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::any::type_name;
use std::marker::PhantomData;

/// A function of a task and its parameters, as a [`Handler`].
struct Typed<P, F> {
    run: F,
    parameters: PhantomData<fn(P)>,
}

impl<P, R, F> Handler for Typed<P, F>
where
    P: DeserializeOwned + 'static,
    R: IntoOutcome,
    F: Fn(&TaskContext<'_>, P) -> R + Send + Sync + 'static,
{
    fn run(&self, context: &TaskContext<'_>) -> Outcome {
        match codec::from_slice(context.payload()) {
            Ok(parameters) => (self.run)(context, parameters).into_outcome(),
            Err(error) => Outcome::Fatal(unreadable::<P>(context, &error)),
        }
    }
}

#[cold]
fn unreadable<P>(context: &TaskContext<'_>, error: &CodecError) -> Failure {
    let message = Text::say(format_args!(
        "the parameters of task '{}' ({} bytes) cannot be read as {}: {error}; it is not tried again, since they stay what they are",
        context.task_name(),
        context.payload().len(),
        type_name::<P>(),
    ));
    Failure::new(type_name::<CodecError>(), &message, "")
}

/// The bytes of parameters, or an error that names their type.
fn payload<P: Serialize + ?Sized>(parameters: &P) -> Result<Vec<u8>> {
    codec::serde::to_vec_with(parameters, &Options::default()).map_err(|error| match Error::from(error) {
        Error::InvalidPayload(why) => Error::InvalidPayload(Text::say(format_args!(
            "parameters of type {} cannot be written: {why}",
            type_name::<P>()
        ))),
        other => other,
    })
}

impl Engine {
    /// Tells the engine what runs tasks of a name: a function of the task and its parameters. Of what it may return, see [`IntoOutcome`].
    ///
    /// A task whose payload cannot be read as them has failed for good, and the function is not called for it.
    ///
    /// # Errors
    /// As [`Engine::register`].
    pub fn register_typed<P, R, F>(&self, name: &str, run: F) -> Result<()>
    where
        P: DeserializeOwned + 'static,
        R: IntoOutcome + 'static,
        F: Fn(&TaskContext<'_>, P) -> R + Send + Sync + 'static,
    {
        self.register_typed_with(name, TaskOptions::default(), run)
    }

    /// [`Engine::register_typed`] with options.
    ///
    /// # Errors
    /// As [`Engine::register`].
    pub fn register_typed_with<P, R, F>(&self, name: &str, options: TaskOptions, run: F) -> Result<()>
    where
        P: DeserializeOwned + 'static,
        R: IntoOutcome + 'static,
        F: Fn(&TaskContext<'_>, P) -> R + Send + Sync + 'static,
    {
        self.register_with(name, options, || Typed { run, parameters: PhantomData })
    }

    /// Hands a task over, with its parameters as they are now.
    ///
    /// # Errors
    /// [`Error::InvalidPayload`] (C# has no such form, or serde cannot tell which: it says what to use instead), else as [`Engine::submit`].
    pub fn submit_typed<P: Serialize + ?Sized>(&self, name: &str, parameters: &P) -> Result<TaskId> {
        self.submit_typed_as(Submission::new(name, &[]), parameters)
    }

    /// [`Engine::submit_typed`] with what else a submission can say. Its payload is that of the parameters; its payload format stays what
    /// it says: a class with `[MessagePackObject]` is the same in each.
    ///
    /// # Errors
    /// As [`Engine::submit_typed`].
    pub fn submit_typed_as<P: Serialize + ?Sized>(&self, submission: Submission<'_>, parameters: &P) -> Result<TaskId> {
        let payload = payload(parameters)?;
        self.submit(&Submission { payload: &payload, ..submission })
    }
}

impl TaskContext<'_> {
    /// [`TaskContext::set_result`] of a value.
    ///
    /// # Errors
    /// [`Error::InvalidPayload`], else as [`TaskContext::set_result`].
    pub fn set_typed_result<T: Serialize + ?Sized>(&self, result: &T) -> Result<()> {
        self.set_result(&payload(result)?)
    }
}
