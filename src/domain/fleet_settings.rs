//! A fleet's configuration as a text, edited at one member and nowhere else: a member that nobody here knows stays.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::farm::FleetStatus;
use super::text::Untrusted;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetSettings {
    /// The member `configuration`, as JSON.
    pub configuration: String,
    pub script: Option<HostScript>,
    pub status: FleetStatus,
    pub message: Option<Untrusted>,
}

/// What runs on every worker of a service-managed fleet before it takes tasks, as an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostScript {
    pub body: String,
    /// Seconds until the worker is given up; left out: 300.
    pub seconds: Option<i64>,
}

/// Why a configuration is not edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotEditable {
    #[error("its configuration can't be read")]
    Unreadable,
    #[error("it is not service-managed")]
    NotService,
    #[error("its kind is not known to this version")]
    UnknownKind,
}

const SERVICE: &str = "serviceManagedEc2";
const CUSTOMER: &str = "customerManaged";
const ROLE: &str = "attr.role";

fn parse(text: &str) -> Result<Value, NotEditable> {
    serde_json::from_str(text).map_err(|_| NotEditable::Unreadable)
}

/// The same with one more resource configuration, behind those that are there.
pub fn with_attachment(text: &str, arn: &str) -> Result<String, NotEditable> {
    let mut all = parse(text)?;
    let service = all.get_mut(SERVICE).and_then(Value::as_object_mut);
    let service = service.ok_or(NotEditable::NotService)?;
    let vpc = service
        .entry("vpcConfiguration")
        .or_insert_with(|| json!({}));
    if vpc.is_null() {
        *vpc = json!({});
    }
    let vpc = vpc.as_object_mut().ok_or(NotEditable::Unreadable)?;
    let list = vpc
        .entry("resourceConfigurationArns")
        .or_insert_with(|| json!([]));
    if list.is_null() {
        *list = json!([]);
    }
    let list = list.as_array_mut().ok_or(NotEditable::Unreadable)?;
    if !list.iter().any(|a| a == arn) {
        list.push(json!(arn));
    }
    Ok(all.to_string())
}

/// The same with one more value of `attr.role`: where publish steps ask for a role, a fleet that does not declare it takes
/// none of them.
pub fn with_role(text: &str, role: &str) -> Result<String, NotEditable> {
    let mut all = parse(text)?;
    let capabilities = if all.get(SERVICE).is_some() {
        all.pointer_mut(&format!("/{SERVICE}/instanceCapabilities"))
    } else if all.get(CUSTOMER).is_some() {
        all.pointer_mut(&format!("/{CUSTOMER}/workerCapabilities"))
    } else {
        return Err(NotEditable::UnknownKind);
    };
    let capabilities = capabilities.and_then(Value::as_object_mut);
    let capabilities = capabilities.ok_or(NotEditable::Unreadable)?;
    let attributes = capabilities
        .entry("customAttributes")
        .or_insert_with(|| json!([]));
    if attributes.is_null() {
        *attributes = json!([]);
    }
    let attributes = attributes.as_array_mut().ok_or(NotEditable::Unreadable)?;
    match attributes.iter_mut().find(|a| a["name"] == ROLE) {
        Some(own) => {
            let values = own["values"]
                .as_array_mut()
                .ok_or(NotEditable::Unreadable)?;
            if !values.iter().any(|v| v == role) {
                values.push(json!(role));
            }
        }
        None => attributes.push(json!({ "name": ROLE, "values": [role] })),
    }
    Ok(all.to_string())
}

/// What a configuration says, for a preview: the resource configurations and the values of `attr.role`.
pub fn read(text: &str) -> Result<(Vec<String>, Vec<String>), NotEditable> {
    let all = parse(text)?;
    let texts = |value: Option<&Value>| -> Vec<String> {
        let list = value.and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    let attached = texts(all.pointer(&format!(
        "/{SERVICE}/vpcConfiguration/resourceConfigurationArns"
    )));
    let attributes = all
        .pointer(&format!("/{SERVICE}/instanceCapabilities/customAttributes"))
        .or_else(|| all.pointer(&format!("/{CUSTOMER}/workerCapabilities/customAttributes")));
    let own = attributes.and_then(Value::as_array).into_iter().flatten();
    let roles = own
        .filter(|a| a["name"] == ROLE)
        .flat_map(|a| texts(a.get("values")));
    Ok((attached, roles.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLEET: &str = r#"{"serviceManagedEc2":{"instanceCapabilities":{"osFamily":"LINUX","customAttributes":[{"name":"attr.role","values":["render"]}],"newer":{"kept":1.50}},"instanceMarketOptions":{"type":"wait-and-save"},"softwareAddOns":["x"]}}"#;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn one_member_is_edited_and_what_nobody_knows_stays() {
        let with = with_attachment(FLEET, "arn:rcfg-1").unwrap();
        let mut wanted = value(FLEET);
        wanted["serviceManagedEc2"]["vpcConfiguration"] =
            json!({ "resourceConfigurationArns": ["arn:rcfg-1"] });
        assert_eq!(value(&with), wanted);
        assert_eq!(with_attachment(&with, "arn:rcfg-1").unwrap(), with, "once");
        let with = with_role(FLEET, "publish").unwrap();
        wanted = value(FLEET);
        wanted["serviceManagedEc2"]["instanceCapabilities"]["customAttributes"][0]["values"] =
            json!(["render", "publish"]);
        assert_eq!(value(&with), wanted);
        assert_eq!(read(&with).unwrap().1, ["render", "publish"]);
    }

    #[test]
    fn a_fleet_of_ones_own_gets_its_first_attribute() {
        let own = r#"{"customerManaged":{"mode":"NO_SCALING","workerCapabilities":{"vCpuCount":{"min":1}},"storageProfileId":"sp-1"}}"#;
        let with = with_role(own, "publish").unwrap();
        assert_eq!(read(&with).unwrap().1, ["publish"]);
        assert_eq!(value(&with)["customerManaged"]["storageProfileId"], "sp-1");
        assert_eq!(with_attachment(own, "x"), Err(NotEditable::NotService));
        assert_eq!(
            with_role(r#"{"other":{}}"#, "x"),
            Err(NotEditable::UnknownKind)
        );
        assert_eq!(with_role("no", "x"), Err(NotEditable::Unreadable));
    }
}
