// TABLE of the tools that this worker serves, as the model is told of them.

#include "workers/tools/tool_worker.h"

namespace tools {

namespace {

constexpr const char* read_schema = R"({"type":"object","properties":{
"path":{"type":"string","description":"Relative to the workspace, or absolute in it"},
"offset":{"type":"integer","description":"First line, counted from 1"},
"limit":{"type":"integer","description":"At most so many lines"}},"required":["path"]})";
constexpr const char* write_schema = R"({"type":"object","properties":{
"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"]})";
constexpr const char* edit_schema = R"({"type":"object","properties":{
"path":{"type":"string"},
"oldText":{"type":"string","description":"Exactly as it stands in the file, and only once"},
"newText":{"type":"string"}},"required":["path","oldText","newText"]})";
constexpr const char* patch_schema = R"({"type":"object","properties":{
"input":{"type":"string","description":"From *** Begin Patch to *** End Patch"}},"required":["input"]})";
constexpr const char* exec_schema = R"({"type":"object","properties":{
"command":{"type":"string"},
"workdir":{"type":"string","description":"In the workspace"},
"env":{"type":"object","description":"More environment variables"},
"yieldMs":{"type":"integer","description":"Go on in the background after so long"},
"background":{"type":"boolean"},
"timeout":{"type":"integer","description":"Seconds"}},"required":["command"]})";
constexpr const char* process_schema = R"({"type":"object","properties":{
"action":{"type":"string","enum":["list","poll","log","write","submit","kill","clear","remove"]},
"sessionId":{"type":"string"},
"data":{"type":"string","description":"For write and submit"},
"eof":{"type":"boolean","description":"For write: nothing follows"},
"offset":{"type":"integer"},"limit":{"type":"integer"}},"required":["action"]})";
constexpr const char* fetch_schema = R"({"type":"object","properties":{
"url":{"type":"string"},
"extractMode":{"type":"string","enum":["markdown","text"]},
"maxChars":{"type":"integer"}},"required":["url"]})";
constexpr const char* memory_search_schema = R"({"type":"object","properties":{
"query":{"type":"string"},"maxResults":{"type":"integer"}},"required":["query"]})";
constexpr const char* memory_get_schema = R"({"type":"object","properties":{
"path":{"type":"string"},"from":{"type":"integer"},"lines":{"type":"integer"}},"required":["path"]})";

}  // namespace

std::span<const ToolWorker::Row> ToolWorker::catalogue() {
    static constexpr Row rows[] = {
        // name, description, parameters, handler, is_offered, for_model
        {"read", "Read a file of the workspace, text or image. Long ones in parts.", read_schema,
         &ToolWorker::read, nullptr},
        {"write", "Write a file of the workspace, new or in place of what is there.", write_schema,
         &ToolWorker::write, nullptr},
        {"edit", "Replace one passage of a file by another.", edit_schema, &ToolWorker::edit,
         nullptr},
        {"apply_patch", "Change several files at once by a patch.", patch_schema,
         &ToolWorker::patch, &ToolWorker::offers_patch},
        {"exec",
         "Run a shell command in the workspace. Nothing outside of it can be written; unless its "
         "owner allows it there is no network.",
         exec_schema, &ToolWorker::exec, nullptr},
        {"process", "See after commands in the background.", process_schema, &ToolWorker::process,
         nullptr},
        {"web_fetch", "Read a public web page as text.", fetch_schema, &ToolWorker::fetch,
         &ToolWorker::offers_fetch},
        {"memory_search", "Look for something in the memory files (MEMORY.md, memory/*.md).",
         memory_search_schema, &ToolWorker::memory_search, nullptr},
        {"memory_get", "Read lines of a memory file.", memory_get_schema, &ToolWorker::memory_get,
         nullptr},
        {"media_fetch", "", "{}", &ToolWorker::fetch_media, nullptr, false},
    };
    return rows;
}

}  // namespace tools
