// What all parts of Client have in common: how it asks a pod.
#pragma once

#include <utility>

#include "sim/client.h"

namespace mas::sim {

inline constexpr Duration kClientPatience = std::chrono::seconds(40);

template <class T>
Task<Result<T>> Client::ask_for(std::size_t pod, Duration patience, Request<T> request) {
  Cluster& cluster = workload_.cluster;
  return cluster.network().call<T>(cluster.clients(), cluster.client_host(), pod, patience,
                                   std::move(request));
}

template <class T>
Task<Result<T>> Client::ask(std::size_t pod, Request<T> request) {
  return ask_for<T>(pod, kClientPatience, std::move(request));
}

template <class T>
Code code_of(const Result<T>& result) {
  return result.has_error() ? result.error().code() : Code::ok;
}

}  // namespace mas::sim
