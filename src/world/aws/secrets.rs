//! Secrets Manager: is the AYON key handed out to the queue role? What it holds is dropped unread.

use super::Aws;
use super::caller::What;
use crate::domain::call::Vantage;
use crate::domain::ids::QueueKey;
use crate::domain::problem::{Problem, ProblemKind};
use crate::world::Record;

impl Aws {
    pub async fn try_secret(
        &self,
        record: &Record,
        queue: &QueueKey,
        arn: &str,
    ) -> Result<(), Problem> {
        let clients = self.queue_role(record, queue).await?;
        let doing = "Could not read the secret with the AYON key as the queue role";
        // The name alone is evidence; a whole ARN is too long for a line.
        let about = arn.rsplit(':').next().unwrap_or(arn);
        let what = What::new("secretsmanager", "GetSecretValue", about, doing);
        let what = what.seen_from(Vantage::QueueRole(queue.clone()));
        // A secret is asked for where it is, which need not be the farm's region.
        let region = arn
            .split(':')
            .nth(3)
            .unwrap_or(self.region.as_str())
            .to_owned();
        let there = aws_sdk_secretsmanager::Config::builder()
            .region(aws_sdk_secretsmanager::config::Region::new(region));
        let request = clients.secrets.get_secret_value().secret_id(arn);
        let request = request.customize().config_override(there).send();
        match self.call(record, what, request).await {
            Ok(_) => Ok(()),
            Err(mut p) => {
                if p.kind == ProblemKind::Denied {
                    // The lack is the queue role's, not the caller's: no permission of ours is named.
                    p.permission = None;
                    "Secrets Manager refused the queue role: its own policies, the secret's \
                        resource policy, the KMS key's policy or an organization's \
                        policy"
                        .clone_into(&mut p.because);
                    "setup gives the role what it lacks (check queue-role-needs); name [server] \
                        secret_key where the secret has a key of your own"
                        .clone_into(&mut p.fix);
                }
                Err(p)
            }
        }
    }
}
