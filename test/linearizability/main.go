// Says whether histories of clients are linearizable, file by file. See README.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

// A file with so many calls at once that this is not enough says nothing: the history is refused.
const patience = 60 * time.Second

// earliest is when a download can have seen what it tells: it may come from a record that its pod
// kept, but not from before a deletion that this pod had answered.
func earliest(c call, all []call, stale int64) int64 {
	if c.Op != "download" || c.Outcome != "found" {
		return *c.Call
	}
	since := *c.Call - stale
	for _, other := range all {
		deleted := other.Op == "delete" && other.Outcome == "deleted" && other.Pod == c.Pod
		if deleted && *other.Return < *c.Call && *other.Return >= since {
			since = *other.Return + 1
		}
	}
	return since
}

// operations are the calls that say something, of one file.
func operations(calls []call, stale int64) []porcupine.Operation {
	lost := never
	for _, c := range calls {
		if c.Op == "lost" && *c.Call < lost {
			lost = *c.Call
		}
	}
	var made []porcupine.Operation
	for _, c := range calls {
		silent := c.Outcome == "refused" || c.Outcome == "open" ||
			c.Outcome == "unknown" && c.Op != "upload" && c.Op != "delete"
		// What ended after a loss may have seen it.
		if c.Op == "lost" || silent || *c.Call >= lost || c.end() >= lost && c.end() != never {
			continue
		}
		made = append(made, porcupine.Operation{
			ClientId: len(made), // its own: the moments of a stale read may overlap its client's calls
			Input:    input{c.Op, c.Outcome},
			Call:     earliest(c, calls, stale),
			Return:   c.end(),
		})
	}
	return made
}

// judge gives the hashes that no order explains, and how many calls it looked at.
func judge(calls []call, stale int64) (map[string]string, int, error) {
	files := map[string][]call{}
	for _, c := range calls {
		files[c.Hash] = append(files[c.Hash], c)
	}
	wrong := map[string]string{}
	judged := 0
	for hash, of := range files {
		made := operations(of, stale)
		judged += len(made)
		for _, c := range of {
			if c.Outcome == "wrong" {
				wrong[hash] = "wrong bytes"
			}
		}
		switch porcupine.CheckOperationsTimeout(register, withoutImplied(made), patience) {
		case porcupine.Illegal:
			wrong[hash] = "no order explains the answers"
		case porcupine.Unknown:
			return nil, 0, fmt.Errorf("%s: too many calls at once to judge", hash)
		}
	}
	return wrong, judged, nil
}

func report(calls []call, wrong map[string]string) {
	var hashes []string
	for hash := range wrong {
		hashes = append(hashes, hash)
	}
	sort.Strings(hashes)
	for _, hash := range hashes {
		fmt.Printf("%s: %s\n", hash, wrong[hash])
		var of []call
		for _, c := range calls {
			if c.Hash == hash {
				of = append(of, c)
			}
		}
		sort.Slice(of, func(a, b int) bool { return *of[a].Call < *of[b].Call })
		for _, c := range of {
			fmt.Println("  ", c)
		}
	}
}

func check(name string, stale int64) (bool, error) {
	file, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer file.Close()
	calls, err := read(file)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	wrong, judged, err := judge(calls, stale)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if judged == 0 {
		return false, fmt.Errorf("%s: no call in it says anything", name)
	}
	report(calls, wrong)
	fmt.Printf("%s: %d calls, %d say something, %d files not linearizable\n", name, len(calls), judged,
		len(wrong))
	return len(wrong) == 0, nil
}

func main() {
	stale := flag.Duration("stale", 0, "how old a record may be that a pod answers from")
	flag.Parse()
	status := 0
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: [--stale 5s] FILE...")
		os.Exit(2)
	}
	for _, name := range flag.Args() {
		good, err := check(name, stale.Microseconds())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if !good {
			status = 1
		}
	}
	os.Exit(status)
}
