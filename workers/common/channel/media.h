// Files that people send: written below the state directory, bounded in size and in kind.
//
// Promises: a file appears under its name only when it is whole and on the disk; its name is ours,
// never the sender's; what the bytes are is told by the bytes; the folder stays within its limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "workers/common/base/result.h"

namespace channel {

// The kind of file that begins so ("image/png"); empty when the bytes tell nothing.
std::string_view sniffed_type(std::string_view beginning);
// ".png" of "image/png"; empty for a kind without a usual ending.
std::string_view ending_of(std::string_view mime_type);
// The kind that a name's ending tells ("image/png" of "a.PNG"); empty when it tells none.
std::string_view type_of_name(std::string_view file_name);
// "image", "video", "audio", "document": what "<media:image>" and the platforms' methods go by.
std::string_view family_of(std::string_view mime_type);

// Where a channel keeps what it was sent.
struct MediaPlace {
    std::string state_dir;  // absolute or "."
    std::string folder;     // below it: "telegram/media"
    size_t most_bytes = 5 << 20;
    // The whole folder; the oldest files go first when it is fuller than that.
    uint64_t folder_bytes = 64 << 20;
};

struct StoredMedia {
    std::string path;  // relative to the state directory
    std::string mime_type;
    uint64_t size = 0;
};

// A file being received: somebody else writes it to path(), anew, and no more than most_bytes.
//
// The reader of the file is another process with another user: it may pass through the folder and
// read what it knows the name of. The names cannot be guessed, and the folder cannot be listed.
class MediaFile {
  public:
    // no_storage: the folder cannot be made.
    static Result<MediaFile> create(const MediaPlace& place);
    MediaFile(MediaFile&& other) noexcept;
    MediaFile& operator=(MediaFile&& other) noexcept;
    // Removes what was not finished.
    ~MediaFile();

    const std::string& path() const { return partial_; }
    // Gives it its name. The hints are what the platform says: used where the bytes say nothing.
    // out_of_room: it is larger than the place allows.
    Result<StoredMedia> finish(std::string_view type_hint, std::string_view name_hint);

  private:
    MediaFile() = default;
    void discard();

    std::string directory_;  // absolute or relative to the current one
    std::string folder_;
    std::string name_;
    std::string partial_;  // a path; empty: finished
    size_t most_bytes_ = 0;
};

// Removes the oldest files until the folder holds no more than `most` bytes, and what an earlier
// process left unfinished.
void tidy_media(const MediaPlace& place, uint64_t most);

// "5 MB", "512 KB": for notes to the model and to people.
std::string size_text(uint64_t bytes);

}  // namespace channel
