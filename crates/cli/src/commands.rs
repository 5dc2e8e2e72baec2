//! The commands, one file each.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod calendar;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod deployment;
pub(crate) mod environment;
pub(crate) mod explain;
pub(crate) mod help_markdown;
pub(crate) mod init;
pub(crate) mod invitation;
pub(crate) mod openapi;
pub(crate) mod pepper;
pub(crate) mod policy;
pub(crate) mod role;
pub(crate) mod scan;
pub(crate) mod scope;
pub(crate) mod serve;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod stage;
pub(crate) mod team;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod verify;
pub(crate) mod webhook;

use std::future::Future;

use crate::{
    cli::{Cli, Command},
    exit::Outcome,
};

/// Runs one command to its end.
pub(crate) fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Serve(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Token(command) => wait(Box::pin(command.run())),
        Command::Verify(command) => wait(command.run()),
        Command::Explain(command) => wait(command.run()),
        Command::Scope(command) => wait(command.run()),
        Command::Policy(command) => wait(Box::pin(command.run())),
        Command::Role(command) => wait(Box::pin(command.run())),
        Command::Kind(command) => wait(Box::pin(command.run())),
        Command::User(command) => wait(Box::pin(command.run())),
        Command::Invitation(command) => wait(Box::pin(command.run())),
        Command::Session(command) => wait(Box::pin(command.run())),
        Command::Team(command) => wait(Box::pin(command.run())),
        Command::Service(command) => wait(Box::pin(command.run())),
        Command::Environment(command) => wait(Box::pin(command.run())),
        Command::Stage(command) => wait(Box::pin(command.run())),
        Command::Deployment(command) => wait(Box::pin(command.run())),
        Command::Webhook(command) => wait(Box::pin(command.run())),
        Command::Calendar(command) => wait(Box::pin(command.run())),
        Command::Audit(command) => wait(Box::pin(command.run())),
        Command::Pepper(command) => wait(command.run()),
        Command::Scan(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Openapi(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::HelpMarkdown(command) => command.run(),
    }
}

/// Runs a command that calls a server: one thread is enough for one person.
fn wait(command: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(command)
}
