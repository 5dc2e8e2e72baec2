//! The six steps of the demo, in order, each against the public API.
//!
//! Invariant: a step that does not come out as its heading says ends the demo with a failure; nothing is glossed over.

use std::time::Instant;

use anyhow::anyhow;
use claviger_api::{
    deployments::{ListDeployments, ReportDeployment},
    setup::Setup,
    tokens::{IssueToken, ListTokens, RevokeToken, TokenState, TokenType},
    verify::Verify,
};
use claviger_client::Error;

use super::{
    history::{History, Release},
    host::Host,
    stage::{self, Actor, aside, hint, step},
};
use crate::{
    exit::{Failure, Outcome},
    output::{self, Stream},
    progress::Progress,
};

const ADMINISTRATOR: &str = "ada@example.org";
const ORGANIZATION: &str = "Demo";
const PIPELINE: &str = "release pipeline";
const NEEDED: &str = "deployments:write";
/// The rows that are read back.
const SHOWN: u32 = 5;

/// The demo's course.
pub(super) struct Story<'a> {
    host: &'a Host,
    history: &'a History,
    nobody: Actor,
}

/// The pipeline: its token's id and text, and the client that presents it.
struct Pipeline {
    id: String,
    token: String,
    actor: Actor,
}

// === impl Story ===

impl<'a> Story<'a> {
    pub(super) fn new(host: &'a Host, history: &'a History) -> Outcome<Self> {
        let nobody = Actor::new(&host.url, None)?;
        Ok(Self {
            host,
            history,
            nobody,
        })
    }

    /// Plays all steps.
    pub(super) async fn tell(&self) -> Outcome<()> {
        output::line(&format!(
            "Claviger runs on {}, with its data in {}.",
            self.host.url,
            self.host.directory.display()
        ))?;
        let admin = self.set_up().await?;
        let pipeline = self.issue(&admin).await?;
        self.report(&pipeline).await?;
        step(
            4,
            "A service that was handed the token asks whether it may report deployments.",
        )?;
        Self::verify(&admin, &pipeline, "valid").await?;
        Self::revoke(&admin, &pipeline).await?;
        self.refuse(&admin, &pipeline).await?;
        self.farewell()
    }

    /// 1: the first administrator, with the code that a server prints when it has none.
    async fn set_up(&self) -> Outcome<Actor> {
        step(
            1,
            "The first administrator is set up, with the one-time code that the server printed.",
        )?;
        let Some(code) = &self.host.setup_code else {
            aside("There is one already; the token of the earlier demo is taken.")?;
            return Actor::new(&self.host.url, Some(self.host.kept_admin_token()?.trim()));
        };
        let body = Setup {
            code: code.clone(),
            email: ADMINISTRATOR.to_owned(),
            organization: Some(ORGANIZATION.to_owned()),
        };
        self.nobody.sends("POST", "/v1/setup", Some(&body))?;
        let issued = self.nobody.client.setup(&body).await?;
        self.nobody.gets(format_args!(
            "{} for {}, shown this once: {}",
            issued.token.id, issued.token.owner, issued.secret
        ))?;
        self.host.keep_admin_token(&issued.secret)?;
        Actor::new(&self.host.url, Some(&issued.secret))
    }

    /// 2: a token that can report and read deployments, and nothing else.
    async fn issue(&self, admin: &Actor) -> Outcome<Pipeline> {
        step(
            2,
            "A token for the release pipeline is issued: it can report and read deployments, nothing else.",
        )?;
        Self::end_leftover(admin).await?;
        let body = IssueToken {
            token_type: Some(TokenType::Global),
            name: PIPELINE.to_owned(),
            reason: Some("the demo's release pipeline".to_owned()),
            scopes: vec![NEEDED.to_owned(), "deployments:read".to_owned()],
            expires_in_days: Some(30),
            ..IssueToken::default()
        };
        admin.sends("POST", "/v1/tokens", Some(&body))?;
        let issued = admin.client.issue_token(&body, None).await?;
        let expires = issued.token.expires_at.as_deref().unwrap_or("never");
        admin.gets(format_args!(
            "{}, expires {expires}, shown this once: {}",
            issued.token.id, issued.secret
        ))?;
        let actor = Actor::new(&self.host.url, Some(&issued.secret))?;
        Ok(Pipeline {
            id: issued.token.id,
            token: issued.secret,
            actor,
        })
    }

    /// A demo that was killed before its fifth step left its token behind, and with it the name taken.
    async fn end_leftover(admin: &Actor) -> Outcome<()> {
        let list = ListTokens {
            state: Some(TokenState::Live),
            q: Some(PIPELINE.to_owned()),
            ..ListTokens::default()
        };
        let live = admin.client.list_tokens(&list).await?.data;
        for token in live.iter().filter(|token| token.name == PIPELINE) {
            let body = RevokeToken {
                note: Some("left by an earlier demo".to_owned()),
            };
            admin.client.revoke_token(&token.id, &body).await?;
            aside(&format!(
                "{} was left by an earlier demo; it is revoked.",
                token.id
            ))?;
        }
        Ok(())
    }

    /// 3: the repository's releases, reported by the pipeline and read back.
    async fn report(&self, pipeline: &Pipeline) -> Outcome<()> {
        let History {
            service,
            kind,
            releases,
            total,
        } = self.history;
        step(
            3,
            &format!("The pipeline reports the {kind} of `{service}` as deployments."),
        )?;
        if releases.len() < *total {
            aside(&format!(
                "There are {total}; the newest {} are reported.",
                releases.len()
            ))?;
        }
        let (mut accepted, mut refused) = (0_u32, Vec::new());
        let progress = Progress::counting("reported:");
        let began = Instant::now();
        for (number, release) in releases.iter().enumerate() {
            let body = deployment(service, release);
            if number == 0 {
                pipeline.actor.sends("POST", "/v1/deployments", Some(&body))?;
            }
            match pipeline.actor.client.report_deployment(&body, None).await {
                Ok(deployment) => {
                    if number == 0 {
                        pipeline.actor.gets(&deployment.id)?;
                    }
                    accepted += 1;
                }
                // A name or a date in somebody's history that no deployment may have.
                Err(Error::Problem(problem)) if problem.status == 400 => refused.push((release, problem)),
                Err(error) => return Err(error.into()),
            }
            progress.advance(1);
        }
        drop(progress);
        let seconds = began.elapsed().as_secs_f64();
        let rate = f64::from(accepted) / seconds.max(1e-6);
        aside(&format!(
            "{accepted} reported in {seconds:.2} s, one after the other: {rate:.0} a second, each on disk before its answer."
        ))?;
        if let Some((release, problem)) = refused.first() {
            let reason = problem
                .errors
                .first()
                .map_or(&problem.detail, |field| &field.detail);
            aside(&format!(
                "{} were refused; the first, `{}`: {reason}",
                refused.len(),
                release.version
            ))?;
        }
        Self::read_back(pipeline, accepted).await
    }

    async fn read_back(pipeline: &Pipeline, accepted: u32) -> Outcome<()> {
        let list = ListDeployments {
            limit: Some(SHOWN),
            ..ListDeployments::default()
        };
        pipeline
            .actor
            .sends("GET", &format!("/v1/deployments?limit={SHOWN}"), None::<&()>)?;
        let page = pipeline.actor.client.list_deployments(&list).await?;
        pipeline
            .actor
            .gets(format_args!("the last {}:", page.data.len()))?;
        let rows: Vec<_> = page.data.iter().map(crate::commands::deployment::row).collect();
        output::table(Stream::Result, &crate::commands::deployment::HEADINGS, &rows)?;
        expect(
            rows.len() >= usize::try_from(accepted.min(SHOWN)).unwrap_or(usize::MAX),
            "not all reports came back",
        )
    }

    /// 4, and the end of 6: what a service of yours would ask, and the code that it should get.
    async fn verify(admin: &Actor, pipeline: &Pipeline, code: &str) -> Outcome<()> {
        let body = |token| Verify {
            token,
            scopes: vec![NEEDED.to_owned()],
            ..Verify::default()
        };
        admin.sends(
            "POST",
            "/v1/verify",
            Some(&body(format!("…{}", hint(&pipeline.token)))),
        )?;
        let decision = admin.client.verify(&body(pipeline.token.clone())).await?;
        admin.gets(stage::json(&decision)?)?;
        expect(decision.code == code, "the decision is another")
    }

    /// 5: the end of the token, and the proof.
    async fn revoke(admin: &Actor, pipeline: &Pipeline) -> Outcome<()> {
        step(
            5,
            "The token is revoked. The receipt says that every verifier knew before this answer was sent.",
        )?;
        let body = RevokeToken {
            note: Some("end of the demo".to_owned()),
        };
        admin.sends("POST", &format!("/v1/tokens/{}/revoke", pipeline.id), Some(&body))?;
        let changed = admin.client.revoke_token(&pipeline.id, &body).await?;
        admin.gets(format_args!("receipt {}", stage::json(&changed.receipt)?))
    }

    /// 6: the very next call with it.
    async fn refuse(&self, admin: &Actor, pipeline: &Pipeline) -> Outcome<()> {
        step(6, "The very next call with the token is refused.")?;
        let release = self.history.releases.last();
        let body = release
            .map(|release| deployment(&self.history.service, release))
            .unwrap_or_default();
        pipeline.actor.sends("POST", "/v1/deployments", Some(&body))?;
        match pipeline.actor.client.report_deployment(&body, None).await {
            Err(Error::Problem(problem)) if problem.status == 401 => {
                pipeline.actor.gets(stage::json(&problem)?)?;
            }
            Err(error) => return Err(error.into()),
            Ok(_) => return expect(false, "a revoked token was accepted"),
        }
        Self::verify(admin, pipeline, "revoked").await
    }

    /// What to try next.
    fn farewell(&self) -> Outcome<()> {
        let url = &self.host.url;
        let bearer = "-H \"Authorization: Bearer $CLAVIGER_TOKEN\"";
        stage::last_word("What to try next:")?;
        for line in [
            format!("export CLAVIGER_URL={url}"),
            format!(
                "export CLAVIGER_TOKEN=$(cat {})",
                quoted(&self.host.admin_token_file().display().to_string())
            ),
            format!("curl {bearer} {url}/v1/tokens"),
            format!("curl {bearer} '{url}/v1/deployments?limit=3'"),
            format!("curl {bearer} '{url}/v1/audit/events?limit=3'"),
            "claviger token issue --name 'my first token' --scope tokens:verify --expires 30d".to_owned(),
            "claviger audit verify".to_owned(),
        ] {
            aside(&line)?;
        }
        stage::last_word(&format!("Documentation: {url}/docs"))?;
        let stay = if self.host.is_temporary() {
            ", removed when the demo ends (--data DIR keeps it)"
        } else {
            ""
        };
        output::line(&format!("Data:          {}{stay}", self.host.directory.display()))
    }
}

fn deployment(service: &str, release: &Release) -> ReportDeployment {
    ReportDeployment {
        service: service.to_owned(),
        version: release.version.clone(),
        reference: Some(release.commit.clone()),
        finished_at: Some(release.at.clone()),
        ..ReportDeployment::default()
    }
}

/// Ends the demo when a promise was not kept.
fn expect(kept: bool, otherwise: &str) -> Outcome<()> {
    if kept {
        Ok(())
    } else {
        Err(Failure::Failed(anyhow!("{otherwise}")))
    }
}

/// A path as one word of a shell.
fn quoted(path: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    if path.chars().all(plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(
            quoted("/tmp/claviger-demo-1/admin-token"),
            "/tmp/claviger-demo-1/admin-token"
        );
        assert_eq!(quoted("/tmp/my data/it's"), r"'/tmp/my data/it'\''s'");
    }
}
