//! The help of every command, and what no command line may hold.

use crate::{Ran, claviger, run};

/// Every command of the program, by the words that lead to it, read from the help itself.
fn commands() -> Vec<Vec<String>> {
    let mut open = vec![Vec::new()];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        for name in subcommands(&help(&path)) {
            let mut inner = path.clone();
            inner.push(name);
            open.push(inner);
        }
        found.push(path);
    }
    found
}

fn help(path: &[String]) -> String {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let Ran { code, stdout, stderr } = run(&mut claviger(&arguments), b"");
    assert_eq!((code, stderr.as_str()), (0, ""), "{path:?}");
    stdout
}

fn subcommands(help: &str) -> Vec<String> {
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_help_of_every_command_says_its_exit_codes() {
    let commands = commands();

    assert!(commands.len() > 25, "{commands:?}");
    for path in commands {
        let help = help(&path);

        assert!(help.contains("Exit codes:\n  0  "), "{path:?}\n{help}");
    }
}

#[test]
fn no_flag_takes_a_secret() {
    for path in commands() {
        let help = help(&path);

        for line in help
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with('-') && !line.starts_with("- "))
        {
            let flags = line.split("  ").next().unwrap();
            let secret = ["token", "secret", "password", "pepper", "key"]
                .iter()
                .any(|word| flags.contains(word));
            let harmless = [
                "--token-file <FILE>",
                "--keys-dir <DIR>",
                "--idempotency-key <KEY>",
            ];
            assert!(
                !secret || harmless.iter().any(|flag| flags.contains(flag)),
                "{path:?}: {line}"
            );
        }
    }
}

#[test]
fn a_token_as_a_flag_is_wrong_usage() {
    for arguments in [
        ["token", "list", "--token=clvp_x"],
        ["verify", "--subject=clvp_x", "--json"],
        ["verify", "clvp_x", "--json"],
        ["token", "report-leak", "clvp_x"],
    ] {
        assert_eq!(run(&mut claviger(&arguments), b"").code, 2, "{arguments:?}");
    }
}

#[test]
fn completions_render_for_the_usual_shells() {
    for (shell, mark) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef claviger"),
        ("fish", "complete -c claviger"),
    ] {
        let Ran { code, stdout, .. } = run(&mut claviger(&["completions", shell]), b"");

        assert_eq!(code, 0);
        assert!(stdout.contains(mark) && stdout.contains("report-leak"), "{shell}");
    }
    assert_eq!(run(&mut claviger(&["completions", "dos"]), b"").code, 2);
}
