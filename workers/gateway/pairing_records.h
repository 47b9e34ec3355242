// The records in devices/*.json: how they are made, merged, compared and shown. Pure.
#pragma once

#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/gateway/pairing_store.h"

namespace gateway {

// Each once, in alphabetical order.
std::vector<std::string> sorted(const std::vector<std::string>& list);

std::vector<std::string> roles_of(const Json& record);
std::vector<std::string> scopes_of(const Json& record);
bool is_revoked(const Json& token);

// Writes the claim's names, platform, role and address into a record.
void describe(Json& record, const DeviceClaim& claim);
Json new_request(const DeviceClaim& claim, bool silent, bool repair, int64_t now_ms);
bool asks_the_same(const Json& request, const DeviceClaim& claim);
// `previous`: the token it replaces, or null.
Json new_token(const std::string& role, const std::vector<std::string>& scopes,
               const Json& previous, int64_t now_ms);
// The device that an approved request becomes; what it was granted before stays.
Json approved_device(const Json& request, const Json& before, int64_t now_ms);
// As shown to operators: tokens as a list, their values removed.
Json without_tokens(const Json& device);
Json newest_first(const Json& records, const char* time_key);

}  // namespace gateway
