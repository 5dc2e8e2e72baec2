//! The command line: all commands in the order of the help.
//!
//! Invariant: no flag takes a secret. `tests/help.rs` walks every command and refuses one that could.

use clap::{Parser, Subcommand};

use crate::{commands, exit};

/// A self-hosted authority for API tokens: issue, verify, revoke, and know who did what.
#[derive(Debug, Parser)]
#[command(
    name = "claviger",
    version,
    max_term_width = 110,
    arg_required_else_help = true,
    after_help = exit::ALL
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Everything that can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(commands::serve::Serve),
    Init(commands::init::Init),
    Backup(commands::backup::Backup),
    Restore(commands::backup::Restore),
    Demo(commands::demo::Demo),
    #[command(subcommand)]
    Token(commands::token::Token),
    Verify(commands::verify::Verify),
    Explain(commands::explain::Explain),
    #[command(subcommand)]
    Scope(commands::scope::Scope),
    #[command(subcommand)]
    Policy(commands::policy::Policy),
    #[command(subcommand)]
    Role(commands::role::Role),
    #[command(subcommand)]
    Kind(commands::role::Kind),
    #[command(subcommand)]
    User(commands::user::User),
    #[command(subcommand)]
    Invitation(commands::invitation::Invitation),
    #[command(subcommand)]
    Session(commands::session::Session),
    #[command(subcommand)]
    Team(commands::team::Team),
    #[command(subcommand)]
    Service(commands::service::Service),
    #[command(subcommand)]
    Environment(commands::environment::Environment),
    #[command(subcommand)]
    Stage(commands::stage::Stage),
    #[command(subcommand)]
    Deployment(commands::deployment::Deployment),
    #[command(subcommand)]
    Webhook(commands::webhook::Webhook),
    #[command(subcommand)]
    Calendar(commands::calendar::Calendar),
    #[command(subcommand)]
    Audit(commands::audit::Audit),
    #[command(subcommand)]
    Pepper(commands::pepper::Pepper),
    Scan(commands::scan::Scan),
    #[command(subcommand)]
    Config(commands::config::Config),
    Openapi(commands::openapi::Openapi),
    Completions(commands::completions::Completions),
    #[command(hide = true)]
    HelpMarkdown(commands::help_markdown::HelpMarkdown),
}
