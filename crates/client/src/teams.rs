//! The operations on teams and their members, `/v1/teams`.

use claviger_api::{
    page::Page,
    teams::{
        ChangedMember, CreateTeam, DeletedTeam, ListMembers, ListTeams, Member, RemovedMember, SetMember,
        Team, UpdateTeam,
    },
};
use reqwest::Method;

use crate::{Client, Error, id};

impl Client {
    /// `POST /v1/teams`. With an `idempotency_key` a repetition is answered with the first team.
    ///
    /// # Errors
    /// [`Error`]; among the problems `out_of_reach`, `team_name_taken`, `team_limit_reached`.
    pub async fn create_team(&self, body: &CreateTeam, idempotency_key: Option<&str>) -> Result<Team, Error> {
        let call = self.call(Method::POST, &["v1", "teams"]).json(body);
        call.idempotency_key(idempotency_key)?.answer().await
    }

    /// `GET /v1/teams`: one page. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_teams(&self, list: &ListTeams) -> Result<Page<Team>, Error> {
        self.page(list).await
    }

    /// `GET /v1/teams/{id}`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `team_not_found`.
    pub async fn show_team(&self, id: &str) -> Result<Team, Error> {
        self.call(Method::GET, &["v1", "teams", id::team(id)?])
            .answer()
            .await
    }

    /// `PATCH /v1/teams/{id}`: name, description.
    ///
    /// # Errors
    /// [`Error`]; among the problems `out_of_reach`, `team_name_taken`.
    pub async fn update_team(&self, id: &str, body: &UpdateTeam) -> Result<Team, Error> {
        let call = self.call(Method::PATCH, &["v1", "teams", id::team(id)?]);
        call.json(body).answer().await
    }

    /// `DELETE /v1/teams/{id}`: a team that owns nothing. When this returns, its members have lost what it gave them.
    ///
    /// # Errors
    /// [`Error`]; among the problems `team_not_empty`.
    pub async fn delete_team(&self, id: &str) -> Result<DeletedTeam, Error> {
        self.call(Method::DELETE, &["v1", "teams", id::team(id)?])
            .answer()
            .await
    }

    /// `GET /v1/teams/{id}/members`: one page.
    ///
    /// # Errors
    /// [`Error`]; among the problems `team_not_found`.
    pub async fn list_members(&self, team: &str, list: &ListMembers) -> Result<Page<Member>, Error> {
        let path = ["v1", "teams", id::team(team)?, "members"];
        self.call(Method::GET, &path).query(list).answer().await
    }

    /// `PUT /v1/teams/{id}/members/{user_id}`: makes a person a member, or changes their role. It is in force when this returns.
    ///
    /// # Errors
    /// [`Error`]; among the problems `user_not_found`, `role_exceeds_caller`.
    pub async fn set_member(&self, team: &str, user: &str, body: &SetMember) -> Result<ChangedMember, Error> {
        let path = ["v1", "teams", id::team(team)?, "members", id::user(user)?];
        self.call(Method::PUT, &path).json(body).answer().await
    }

    /// `DELETE /v1/teams/{id}/members/{user_id}`. It is in force when this returns.
    ///
    /// # Errors
    /// [`Error`]; among the problems `member_not_found`.
    pub async fn remove_member(&self, team: &str, user: &str) -> Result<RemovedMember, Error> {
        let path = ["v1", "teams", id::team(team)?, "members", id::user(user)?];
        self.call(Method::DELETE, &path).answer().await
    }
}
