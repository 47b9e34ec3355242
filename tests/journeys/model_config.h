// openclaw.json of a gateway whose one model is the double at ${MODEL_URL}.
#pragma once

#include <string>

// `more`: the further members of the file.
inline std::string config_with_model(const std::string& more) {
    return R"({
  "gateway": {"mode": "local"},
  "models": {"providers": {"double": {
    "baseUrl": "${MODEL_URL}/v1", "apiKey": "k", "api": "openai-completions",
    "models": [{"id": "m", "name": "m"}]}}},
  "agents": {"defaults": {"model": {"primary": "double/m"}, "heartbeat": {"every": "0m"}}},)" +
           more + "\n}";
}
