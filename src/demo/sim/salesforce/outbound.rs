//! Outbound messages: what a flow posts when a lead was written, by whomever.
//!
//! Written from the "SOAP API Developer Guide", Outbound Messages, apart from the room that reads them.

use serde_json::Value;

use super::{Record, Salesforce, ids};

/// The fields that the message was set up with.
const FIELDS: [&str; 6] = ["Description", "Email", "FirstName", "LastName", "MobilePhone", "Phone"];

/// Text as XML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Salesforce {
    /// Posts the record, if that was asked for.
    pub(super) fn tell(&mut self, record: &Record) {
        let Some(echo) = self.echo.clone() else { return };
        self.messages = self.messages.saturating_add(1);
        let body = self.message(record, self.messages);
        echo.send(vec![("soapaction", "\"\"".to_owned())], body);
    }

    /// The `number`-th message of the org, about this record.
    pub(super) fn message(&self, record: &Record, number: usize) -> String {
        let value = |name: &&str| {
            let text = record.fields.get(*name).and_then(Value::as_str).map(escaped)?;
            Some(format!("<sf:{name}>{text}</sf:{name}>"))
        };
        let fields: String = FIELDS.iter().filter_map(value).collect();
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>{}</OrganizationId>
   <ActionId>{}</ActionId>
   <SessionId xsi:nil="true"/>
   <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/60.0</EnterpriseUrl>
   <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/60.0</PartnerUrl>
   <Notification>
    <Id>{}</Id>
    <sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
     <sf:Id>{}</sf:Id>{fields}
    </sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>"#,
            self.organization,
            ids::id("04k", 1),
            ids::id("04l", number),
            record.id,
        )
    }
}

impl super::super::http::Sim<Salesforce> {
    /// The body of the message that is posted about a lead, as a flow sends it that fires when one is made.
    #[must_use]
    pub fn outbound_message(&self, lead: &str) -> String {
        let mut site = self.site();
        site.messages = site.messages.saturating_add(1);
        let record = ids::long(lead).and_then(|id| site.records.get(&id).cloned());
        record.map(|record| site.message(&record, site.messages)).unwrap_or_default()
    }
}
