#include "workers/agent/embedded_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <unordered_set>

#include "workers/agent/transcript_archive.h"
#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace agent {

namespace {

Done make_directories(const std::string& path) {
    for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
            return system_error("cannot create the directory " + part, errno);
        if (slash == std::string::npos) return {};
    }
}

// The name the entry gives, if it is one of this session's, else the one made of the session id.
std::string transcript_name(const Session& session) {
    const std::string given = text_member(session.entry, "sessionFile");
    const std::string name = given.substr(given.rfind('/') + 1);
    if (name.ends_with(".jsonl") && is_session_id(name) && name.starts_with(session.id()))
        return name;
    return session.id() + ".jsonl";
}

}  // namespace

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::open(Loop& loop, Options options) {
    if (!options.now_ms) options.now_ms = wall_ms;
    const std::string directory = options.directory + "/hardshell/agent";
    if (const Done done = make_directories(directory); !done) return done.error();
    auto database = Database::open(directory + "/state.sqlite", options.now_ms());
    if (!database) return database.error();
    std::unique_ptr<EmbeddedStore> store(
        new EmbeddedStore(loop, std::move(options), std::move(*database)));
    store->find_agents();
    for (const std::string& agent : store->agents_) store->refresh(agent);
    // What an earlier life did not get to.
    const Result<std::vector<std::string>> unexported = store->database_->unexported_agents();
    if (unexported)
        for (const std::string& agent : *unexported)
            if (store->prepare_directory(agent)) store->export_soon(agent);
    return store;
}

EmbeddedStore::EmbeddedStore(Loop& loop, Options options, std::unique_ptr<Database> database)
    : loop_(loop),
      options_(std::move(options)),
      database_(std::move(database)),
      conversations_(options_.shown_directory),
      usage_(loop) {}

std::string EmbeddedStore::sessions_directory(const std::string& agent) const {
    return options_.directory + "/agents/" + agent + "/sessions";
}

std::string EmbeddedStore::index_path(const std::string& agent) const {
    return sessions_directory(agent) + "/sessions.json";
}

std::string EmbeddedStore::location(const std::string& agent) const {
    return options_.shown_directory + "/agents/" + agent + "/sessions/sessions.json";
}

std::string EmbeddedStore::transcript_location(const Session& session) const {
    return options_.shown_directory + "/agents/" + session.key.agent + "/sessions/" +
           transcript_name(session);
}

Result<std::string> EmbeddedStore::transcript_path(const Session& session) const {
    if (!is_agent_id(session.key.agent))
        return Error{Fault::bad_message, "no agent can be called \"" + session.key.agent + "\""};
    if (!is_session_id(session.id()))
        return Error{Fault::bad_message, "the session " + session.key.key + " has no usable id"};
    return sessions_directory(session.key.agent) + "/" + transcript_name(session);
}

std::string EmbeddedStore::shown(const std::string& path) const {
    return options_.shown_directory + path.substr(options_.directory.size());
}

void EmbeddedStore::find_agents() {
    DIR* folder = ::opendir((options_.directory + "/agents").c_str());
    if (!folder) return;
    while (const dirent* found = ::readdir(folder)) {
        struct stat facts {};
        if (is_agent_id(found->d_name) &&
            ::stat(sessions_directory(found->d_name).c_str(), &facts) == 0)
            agents_.insert(found->d_name);
    }
    ::closedir(folder);
}

Done EmbeddedStore::prepare_directory(const std::string& agent) {
    if (agents_.contains(agent)) return {};
    if (!is_agent_id(agent))
        return Error{Fault::bad_message, "no agent can be called \"" + agent + "\""};
    if (const Done done = make_directories(sessions_directory(agent)); !done) return done;
    agents_.insert(agent);
    return {};
}

void EmbeddedStore::refresh(const std::string& agent) {
    const FileStamp stamp = stamp_of(index_path(agent));
    if (stamp.size < 0) return;
    auto known = exchanged_.find(agent);
    if (known == exchanged_.end()) {
        const auto recorded = database_->exchanged(agent);
        if (recorded && *recorded) known = exchanged_.emplace(agent, **recorded).first;
    }
    if (known != exchanged_.end() && known->second == stamp) return;
    const auto refused = unreadable_.find(agent);
    if (refused != unreadable_.end() && refused->second == stamp) return;
    if (const Done done = import(agent, stamp); !done) {
        log_warn("the session index was not read: {}", done.error().what);
        unreadable_[agent] = stamp;
        return;
    }
    unreadable_.erase(agent);
}

// Under the keys that they are kept by.
std::vector<IndexEntry> EmbeddedStore::in_place(std::vector<IndexEntry> file,
                                                const std::string& agent) const {
    KeyDefaults keys = options_.keys;
    keys.agent = agent;
    std::vector<IndexEntry> entries;
    entries.reserve(file.size());  // their keys stay where they are
    std::unordered_map<std::string_view, size_t> places;
    for (IndexEntry& read : file) {
        const std::string spelling = std::move(read.key);
        const Result<SessionKey> canonical = canonical_key(spelling, keys);
        const bool fits = canonical && canonical->agent == agent;
        read.key = fits ? canonical->key : spelling;
        const auto known = places.find(read.key);
        if (known == places.end()) {
            entries.push_back(std::move(read));
            places.emplace(entries.back().key, entries.size() - 1);
            continue;
        }
        // Two spellings of one session: the newer has it; the older is kept beside, unreachable.
        IndexEntry& rival = entries[known->second];
        if (rival.updated_at < read.updated_at) {
            std::swap(rival.updated_at, read.updated_at);
            std::swap(rival.offset, read.offset);
            std::swap(rival.size, read.size);
        }
        read.key = spelling == read.key ? "older:" + spelling : spelling;
        entries.push_back(std::move(read));
    }
    return entries;
}

// What the file holds wins where it is newer; what it no longer holds was deleted there, unless it
// changed here since the last exchange; what was deleted here stays so unless it was used there
// since. A file that kept none of the entries is taken for damaged.
Done EmbeddedStore::import(const std::string& agent, const FileStamp& stamp) {
    const Result<SessionsReader> file = SessionsReader::open(index_path(agent));
    if (!file) return file.error();
    Result<std::vector<IndexEntry>> read = file->entries();
    if (!read) return read.error();
    const Result<std::vector<Database::Row>> rows = database_->rows(agent);
    if (!rows) return rows.error();
    const Result<std::map<std::string, int64_t>> deletions = database_->deletions(agent);
    if (!deletions) return deletions.error();
    std::unordered_map<std::string_view, int64_t> known;
    for (const Database::Row& row : *rows) known[row.key] = row.updated_at;
    std::vector<IndexEntry> entries = in_place(std::move(*read), agent);
    std::vector<std::string> removed;
    {
        std::unordered_set<std::string_view> present;
        bool kept_some = false;
        for (const IndexEntry& entry : entries) {
            present.insert(entry.key);
            kept_some = kept_some || known.contains(entry.key);
        }
        for (const Database::Row& row : *rows)
            if (!row.dirty && kept_some && !present.contains(row.key)) removed.push_back(row.key);
    }
    std::erase_if(entries, [&](const IndexEntry& entry) {
        const auto deleted = deletions->find(entry.key);
        if (deleted != deletions->end() && deleted->second >= entry.updated_at) return true;
        const auto row = known.find(entry.key);
        return row != known.end() && row->second >= entry.updated_at;
    });
    const Done done = database_->merge(agent, stamp, entries, removed,
                                       [&](const IndexEntry& entry) { return file->entry(entry); });
    if (!done) return done;
    exchanged_[agent] = stamp;
    has_changed({Change::What::sessions});
    log_info("read {} new or changed sessions of agent {} from sessions.json", entries.size(),
             agent);
    return {};
}

void EmbeddedStore::look() {
    for (const std::string& agent : agents_) refresh(agent);
}

Result<std::optional<Session>> EmbeddedStore::find(const SessionKey& key) {
    refresh(key.agent);
    auto found = database_->find(key);
    if (found && *found && !(*found)->entry.is_object()) return std::optional<Session>();
    return found;
}

Done EmbeddedStore::visit(const std::string& agent,
                          const std::function<bool(const Session&)>& visitor) {
    for (const std::string& known : agents_)
        if (agent.empty() || agent == known) refresh(known);
    return database_->visit(agent, visitor);
}

Result<std::vector<SessionKey>> EmbeddedStore::keys(const std::string& agent) {
    for (const std::string& known : agents_)
        if (agent.empty() || agent == known) refresh(known);
    return database_->keys(agent);
}

Result<size_t> EmbeddedStore::count(const std::string& agent) {
    return database_->count(agent);
}

Result<std::vector<Session>> EmbeddedStore::with_activation() {
    look();
    return database_->with_activation();
}

Done EmbeddedStore::save(const Session& session) {
    if (const Done done = prepare_directory(session.key.agent); !done) return done;
    if (const Done done = database_->save(session); !done) return done;
    changed(session.key);
    return {};
}

Done EmbeddedStore::remove(const SessionKey& key) {
    if (const Done done = prepare_directory(key.agent); !done) return done;
    if (const Done done = database_->remove(key, options_.now_ms()); !done) return done;
    changed(key);
    return {};
}

Result<std::vector<std::string>> EmbeddedStore::archive(const Session& session) {
    const Result<std::string> named = transcript_path(session);
    if (!named) return named.error();
    const std::string folder = sessions_directory(session.key.agent) + "/";
    std::vector<std::string> archived;
    // The one without a topic as well, should both be there.
    for (const std::string& path :
         std::set<std::string>{*named, folder + session.id() + ".jsonl"}) {
        conversations_.forget(path);
        const Result<std::string> aside = put_aside(path, "deleted", options_.now_ms());
        if (!aside) return aside.error();
        if (!aside->empty()) archived.push_back(shown(*aside));
    }
    has_changed({});
    return archived;
}

Result<SessionStore::Compaction> EmbeddedStore::keep_last(const Session& session, size_t entries) {
    const Result<std::string> path = transcript_path(session);
    if (!path) return path.error();
    conversations_.forget(*path);
    const Result<KeptLines> lines = keep_last_lines(*path, entries, options_.now_ms());
    has_changed({});
    if (!lines) return lines.error();
    return Compaction{lines->has_file, lines->kept,
                      lines->archived.empty() ? "" : shown(lines->archived)};
}

Done EmbeddedStore::put_notes(const std::vector<Note>& notes) {
    const Done done = database_->put_notes(notes);
    has_changed({});
    return done;
}

Result<std::string> EmbeddedStore::note(const std::string& name) {
    return database_->note(name);
}

Result<std::vector<SessionStore::Note>> EmbeddedStore::notes_under(const std::string& prefix) {
    return database_->notes_under(prefix);
}

Done EmbeddedStore::accept_run(const RunRecord& run, const Session* session,
                               const std::vector<Note>& notes) {
    if (const Done done = prepare_directory(run.session.agent); !done) return done;
    if (const Done done = database_->accept_run(run, session, notes); !done) return done;
    if (session) changed(session->key);
    if (!notes.empty()) has_changed({});
    return {};
}

Done EmbeddedStore::record_runs(const std::vector<RunChange>& changes) {
    if (changes.empty()) return {};
    if (const Done done = database_->record_runs(changes); !done) return done;
    for (const RunChange& change : changes)
        if (change.session) changed(change.session->key);
    return {};
}

Result<std::optional<RunRecord>> EmbeddedStore::find_run(const std::string& method,
                                                         const std::string& run_id) {
    return database_->find_run(method, run_id);
}

Result<std::vector<RunRecord>> EmbeddedStore::unfinished_runs() {
    return database_->unfinished_runs();
}

Result<Json> EmbeddedStore::documents_of(const RunRecord& run) {
    return database_->documents_of(run);
}

Result<std::vector<Message>> EmbeddedStore::context(const Session& session) {
    const Result<std::string> path = transcript_path(session);
    if (!path) return path.error();
    return conversations_.context(*path, options_.now_ms());
}

Done EmbeddedStore::append(const Session& session, const std::string& entry_id, const Json& message,
                           Durability durability) {
    const Result<std::string> path = transcript_path(session);
    if (!path) return path.error();
    if (const Done done = prepare_directory(session.key.agent); !done) return done;
    const bool durable = durability == Durability::now;
    const auto add = [&] {
        return conversations_.append(*path, session.id(), entry_id, message, options_.now_ms(),
                                     durable);
    };
    Done done = add();
    // Another program wrote in between: the file is read anew, once.
    if (!done && done.error().fault == Fault::busy) done = add();
    has_changed({});
    return done;
}

Done EmbeddedStore::append_summary(const Session& session, const OlderPart& part,
                                   const std::string& summary) {
    const Result<std::string> path = transcript_path(session);
    if (!path) return path.error();
    const Json entry{{"type", "compaction"},
                     {"summary", summary},
                     {"firstKeptEntryId", part.first_kept},
                     {"tokensBefore", part.tokens}};
    const auto add = [&] {
        return conversations_.append_entry(*path, new_entry_id(), entry, options_.now_ms());
    };
    Done done = add();
    if (!done && done.error().fault == Fault::busy) done = add();
    has_changed({});
    return done;
}

Result<bool> EmbeddedStore::fork(const Session& parent, const Session& child) {
    const Result<std::string> from = transcript_path(parent);
    if (!from) return from.error();
    const Result<std::string> to = transcript_path(child);
    if (!to) return to.error();
    if (const Done done = prepare_directory(child.key.agent); !done) return done.error();
    has_changed({});
    return fork_transcript(*from, *to, {child.id(), options_.shown_directory, options_.now_ms()});
}

Done EmbeddedStore::sync(const Session& session) {
    const Result<std::string> path = transcript_path(session);
    return path ? sync_file(*path) : path.error();
}

void EmbeddedStore::changed(const SessionKey& session) {
    export_soon(session.agent);
    has_changed({Change::What::one_session, &session});
}

void EmbeddedStore::release_memory() {
    conversations_.forget();
    database_->release_memory();
}

}  // namespace agent
