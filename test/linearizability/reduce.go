// What need not be judged: reads that other calls imply.
package main

import (
	"sort"

	"github.com/anishathalye/porcupine"
)

// shows says in which states a call proves the file to have been, at its own moment.
func shows(in input) (there, gone bool) {
	switch in.op + " " + in.outcome {
	case "download found", "instant stored", "upload stored":
		return true, false
	case "download absent", "delete absent":
		return false, true
	case "delete deleted":
		return true, true // before its moment, and after
	}
	return false, false
}

func isRead(in input) bool {
	return in.op == "download" || in.op == "instant" || in.op == "delete" && in.outcome == "absent"
}

// withoutImplied leaves out each read whose time contains the whole time of another call that shows
// the same state: wherever an order puts that call, the read fits right beside it. What is left has
// an order exactly if all has one, and the search for it is short: reads of 5 s overlap hundreds of
// calls.
func withoutImplied(all []porcupine.Operation) []porcupine.Operation {
	sorted := append([]porcupine.Operation(nil), all...)
	sort.SliceStable(sorted, func(a, b int) bool {
		return sorted[a].Return-sorted[a].Call < sorted[b].Return-sorted[b].Call
	})
	var kept []porcupine.Operation
	implied := func(read porcupine.Operation) bool {
		there, _ := shows(read.Input.(input))
		for _, other := range kept {
			otherThere, otherGone := shows(other.Input.(input))
			same := there && otherThere || !there && otherGone
			if same && other.Call >= read.Call && other.Return <= read.Return {
				return true
			}
		}
		return false
	}
	var reads []porcupine.Operation
	for _, each := range sorted {
		if isRead(each.Input.(input)) {
			reads = append(reads, each)
		} else {
			kept = append(kept, each)
		}
	}
	for _, each := range reads { // the shortest first: a longer one is implied by it, not the reverse
		if !implied(each) {
			kept = append(kept, each)
		}
	}
	return kept
}
