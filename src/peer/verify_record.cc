#include "peer/verify_record.h"

#include "mas/codec/stripe.h"
#include "mas/meta/records.h"

namespace mas::peer {
namespace {

bool is_shard(const RecordKey& key, const Slice& record) {
  Result<codec::ShardHeader> header = codec::parse_header(record.view());
  if (header.has_error()) return false;
  bool fits = RecordKey::shard(header->stripe.extent, header->stripe.number, header->shard) == key;
  std::size_t whole = std::size_t{header->header_size} + header->data_size;
  if (!fits || record.size() < whole) return false;
  Slice data = record.sub(header->header_size, header->data_size);
  if (codec::verify_blocks(*header, 0, data.view()).has_error()) return false;
  if (header->profile.k > 1) return true;
  for (std::size_t unit = 0; unit < header->units.size(); ++unit) {
    Slice stored = data.sub(header->unit_offset(unit), header->units[unit].stored);
    if (codec::decode_unit(*header, unit, std::move(stored)).has_error()) return false;
  }
  return true;
}

bool is_manifest(const RecordKey& key, ByteView record) {
  Result<meta::Object> object = meta::decode_object(as_text(record));
  return object.has_value() && object->hash == key.hash() && object->generation == key.major;
}

}  // namespace

bool is_intact(const RecordKey& key, const Slice& record) {
  return key.kind == RecordKind::shard ? is_shard(key, record) : is_manifest(key, record.view());
}

}  // namespace mas::peer
