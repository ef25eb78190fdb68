//! Who asks AYON: the workers' key, an administrator's own login; and what is changed there with it.

use secrecy::SecretString;
use url::Url;

use super::{KeyAnswer, RealWorld, no_key};
use crate::domain::addon::AddonFields;
use crate::domain::ayon::api_base;
use crate::domain::fact::Fact;
use crate::domain::login::{AyonLogin, LOGIN_FIX};
use crate::domain::problem::{Problem, ProblemKind};
use crate::resources::{AddonSetting, AyonUserKey, Change};
use crate::world::local::DiskState;
use crate::world::{LocalState as _, Record, ayon};

impl RealWorld {
    pub(super) async fn key(&self, url: &Url) -> KeyAnswer {
        let name = api_base(url).to_string();
        // Held across the question, so that calls which start together ask the keyring once.
        let mut keys = self.keys.lock().await;
        if let Some(Ok(Some(held))) = keys.get(&name) {
            return Ok(Some(held.clone()));
        }
        if self.given.is_some() {
            return Ok(self.given.clone());
        }
        if let Some(answered) = keys.get(&name) {
            return answered.clone();
        }
        let asked = name.clone();
        let found = tokio::task::spawn_blocking(move || DiskState::new().keyring_get(&asked)).await;
        let broken = |e: tokio::task::JoinError| {
            Problem::new(
                ProblemKind::Local,
                "Could not read the AYON key from the keyring",
                e.to_string(),
                "set AYON_API_KEY",
            )
        };
        let found = found.unwrap_or_else(|e| Err(broken(e)));
        keys.insert(name, found.clone());
        found
    }

    /// The key, or why there is none. A keyring that is not there is as good as no key; one that did not answer in
    /// time may hold one, so what depends on it stays unknown.
    pub(super) async fn key_or_reason(
        &self,
        url: &Url,
    ) -> Result<Result<SecretString, String>, Problem> {
        match self.key(url).await {
            Ok(Some(key)) => Ok(Ok(key)),
            Ok(None) => Ok(Err("none is in the keyring".to_owned())),
            Err(p) if p.kind == ProblemKind::Unreached => Err(p),
            Err(p) => Ok(Err(p.because)),
        }
    }

    /// The administrator's login for that server. One that was given for the run is looked at once, as one that is typed.
    pub(super) async fn admin(
        &self,
        record: &Record,
        url: &Url,
    ) -> Result<Option<SecretString>, Problem> {
        let name = api_base(url).to_string();
        // Held across the question, so that calls which start together ask once: a wrong key locks the address out.
        let mut held = self.admins.lock().await;
        if let Some(seen) = held.get(&name) {
            return seen.clone().map(Some);
        }
        let Some(given) = &self.given_admin else {
            return Ok(None);
        };
        let seen = self.sign_in(record, url, given.clone()).await;
        // What was not answered may be asked again.
        if !matches!(&seen, Err(p) if p.kind == ProblemKind::Unreached) {
            held.insert(name, seen.clone());
        }
        seen.map(Some)
    }

    /// Signs in, and sees that this login may change settings. A session that is of no use is closed at once.
    pub(super) async fn sign_in(
        &self,
        record: &Record,
        url: &Url,
        login: AyonLogin,
    ) -> Result<SecretString, Problem> {
        let client = &self.ayon;
        match login {
            AyonLogin::Key(key) => {
                ayon::try_admin(record, client, url, &key).await?;
                Ok(key)
            }
            AyonLogin::Password { name, password } => {
                let key = ayon::log_in(record, client, url, &name, &password).await?;
                // A name and a password of somebody who may not change settings are refused as such.
                if let Err(problem) = ayon::try_admin(record, client, url, &key).await {
                    let _ = ayon::log_out(record, client, url, &key).await;
                    return Err(problem);
                }
                self.sessions.lock().await.push((url.clone(), key.clone()));
                Ok(key)
            }
        }
    }

    pub(super) async fn change_addon(
        &self,
        record: &Record,
        resource: &AddonSetting,
        change: &Change,
    ) -> Result<(), Problem> {
        let then = change.after.as_deref().and_then(AddonFields::of_text);
        let then = then.ok_or_else(|| {
            let doing = format!("Could not change {}", change.words());
            let because = "the change holds no value that can be read";
            Problem::new(ProblemKind::Denied, doing, because, "make the plan again")
        })?;
        let key = self.admin_for(record, &resource.server, change).await?;
        ayon::change_own(record, &self.ayon, &resource.at(), &key, &then).await
    }

    /// The administrator's key without which a change of AYON's is not made.
    pub(super) async fn admin_for(
        &self,
        record: &Record,
        server: &Url,
        change: &Change,
    ) -> Result<SecretString, Problem> {
        let key = self.admin(record, server).await?;
        key.ok_or_else(|| {
            let doing = format!("Could not change {}", change.words());
            let because = "no login of an AYON administrator is given";
            Problem::new(ProblemKind::Denied, doing, because, LOGIN_FIX)
        })
    }

    /// A key is made up here, held for this session, and sent to AYON, which keeps a hash. Nobody else ever has it.
    pub(super) async fn change_user_key(
        &self,
        record: &Record,
        resource: &AyonUserKey,
        change: &Change,
    ) -> Result<(), Problem> {
        let (client, url) = (&self.ayon, &resource.server);
        let admin = self.admin_for(record, url, change).await?;
        if change.after.is_none() {
            return ayon::delete_key(record, client, &admin, resource).await;
        }
        // As AYON makes its own: 32 hexadecimal digits.
        let key = SecretString::from(uuid::Uuid::new_v4().simple().to_string());
        let name = api_base(url).to_string();
        // Held before it is sent, and kept unless AYON itself refuses it: a call without an answer, or with one of a proxy in
        // between, may have been carried out.
        let held = Ok(Some(key.clone()));
        self.keys.lock().await.insert(name.clone(), held);
        let made = ayon::make_key(record, client, &admin, resource, &key).await;
        if made.as_ref().is_err_and(|p| p.kind == ProblemKind::Denied) {
            self.keys.lock().await.remove(&name);
        }
        made
    }

    /// What AYON answers to the one who holds the key of its server; without one it is not asked.
    pub(super) async fn with_key<T>(
        &self,
        url: &Url,
        ask: impl AsyncFnOnce(&SecretString) -> Fact<T>,
    ) -> Fact<T> {
        match self.key_or_reason(url).await {
            Ok(Ok(key)) => ask(&key).await,
            Ok(Err(because)) => Fact::declined(no_key(&because)),
            Err(problem) => Fact::from(Err(problem)),
        }
    }

    /// What AYON answers to an administrator; without a login of one it is not asked.
    pub(super) async fn as_admin<T>(
        &self,
        record: &Record,
        url: &Url,
        ask: impl AsyncFnOnce(&SecretString) -> Fact<T>,
    ) -> Fact<T> {
        match self.admin(record, url).await {
            Ok(Some(key)) => ask(&key).await,
            Ok(None) => Fact::declined("no login of an AYON administrator is given"),
            Err(problem) => Fact::from(Err(problem)),
        }
    }
}
