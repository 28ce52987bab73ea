//! Calls of language models, with the instructions kept once however often they are sent.

use rusqlite::named_params;
use sha2::{Digest, Sha256};

use super::{StoreError, Tx};
use crate::model::{Label, LeadId, LlmCall};

impl Tx<'_> {
    /// Keeps one call.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn add_llm_call(self, lead: LeadId, call: &LlmCall) -> Result<(), StoreError> {
        const PROMPT: &str = "INSERT INTO prompts (id, text) VALUES (:id, :text) ON CONFLICT DO NOTHING";
        const CALL: &str = "
            INSERT INTO llm_calls (lead_id, at, provider, model, prompt_id, prompt, answer, label, prompt_tokens,
                                   completion_tokens, cost_micros, latency_ms, request_id, error)
            VALUES (:lead_id, :at, :provider, :model, :prompt_id, :prompt, :answer, :label, :prompt_tokens,
                    :completion_tokens, :cost_micros, :latency_ms, :request_id, :error)";
        let prompt_id = base64::Engine::encode(
            &base64::engine::general_purpose::URL_SAFE_NO_PAD,
            Sha256::digest(call.system_prompt.as_bytes()),
        );
        self.connection
            .prepare_cached(PROMPT)?
            .execute(named_params! { ":id": prompt_id, ":text": call.system_prompt })?;
        self.connection.prepare_cached(CALL)?.execute(named_params! {
            ":lead_id": lead.to_string(), ":at": call.at.to_string(), ":provider": call.provider, ":model": call.model,
            ":prompt_id": prompt_id, ":prompt": call.user_prompt, ":answer": call.answer,
            ":label": call.label.map(Label::name), ":prompt_tokens": call.prompt_tokens,
            ":completion_tokens": call.completion_tokens,
            ":cost_micros": call.cost_micros.map(|cost| i64::try_from(cost).unwrap_or(i64::MAX)),
            ":latency_ms": i64::try_from(call.latency.as_millis()).unwrap_or(i64::MAX),
            ":request_id": call.request_id, ":error": call.error,
        })?;
        Ok(())
    }
}
