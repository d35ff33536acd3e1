// Looking at, and spoiling, the segments of a store that is not running.
#pragma once

#include <string>
#include <vector>

#include "mas/fs/fault_fs.h"
#include "store/frame_walker.h"
#include "store/segments.h"
#include "store/volume_file.h"
#include "support/must.h"

namespace mas::store::test {

inline std::vector<std::uint64_t> segment_numbers(fs::Fs& fs,
                                                  const std::string& directory = "/data") {
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : must(fs.list(directory + "/segments"))) {
    if (auto number = parse_segment_file_name(name)) numbers.push_back(*number);
  }
  return numbers;
}

inline std::string segment_path(std::uint64_t number, const std::string& directory = "/data") {
  return directory + "/segments/" + segment_file_name(number);
}

inline Id128 volume_of(fs::Fs& fs, const std::string& directory = "/data") {
  return must(read_identity(fs, VolumePaths(directory)))->volume;
}

inline std::vector<WalkedFrame> frames_of(fs::Fs& fs, std::uint64_t segment,
                                          const std::string& directory = "/data") {
  auto file = must(fs.open(segment_path(segment, directory), {}));
  FrameWalker walker(*file, {volume_of(fs, directory), segment}, kSegmentHeaderSize,
                     must(file->size()), 0);
  std::vector<WalkedFrame> frames;
  while (auto frame = must(walker.next())) frames.push_back(*frame);
  return frames;
}

inline std::string read_range(fs::Fs& fs, const std::string& path, std::uint64_t offset,
                              std::size_t length) {
  auto file = must(fs.open(path, {}));
  std::string text(length, '\0');
  MutableBytes into(reinterpret_cast<std::uint8_t*>(text.data()), text.size());
  text.resize(must(file->read_at(offset, into)));
  return text;
}

inline void overwrite(fs::Fs& fs, const std::string& path, std::uint64_t offset,
                      std::string_view text) {
  fs::OpenOptions options;
  options.access = fs::Access::read_write;
  auto file = must(fs.open(path, options));
  const ByteView pieces[] = {as_bytes(text)};
  must(file->write_at(offset, pieces));
  must(file->sync_all());
}

inline void cut_file(fs::Fs& fs, const std::string& path, std::uint64_t size) {
  fs::OpenOptions options;
  options.access = fs::Access::read_write;
  auto file = must(fs.open(path, options));
  must(file->truncate(size));
  must(file->sync_all());
}

inline void delete_index(fs::Fs& fs, const std::string& directory = "/data") {
  must(fs.remove_tree(directory + "/index"));
}

}  // namespace mas::store::test
