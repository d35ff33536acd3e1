// Reading a history: JSON lines, see README.md.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
)

type call struct {
	Hash    string `json:"hash"`
	Client  *int   `json:"client"`
	Pod     string `json:"pod"`
	Op      string `json:"op"`
	Call    *int64 `json:"call"`
	Return  *int64 `json:"return"`
	Outcome string `json:"outcome"`
	Note    string `json:"note"`
}

const never = int64(math.MaxInt64)

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

var outcomes = map[string]map[string]bool{
	"upload":   {"stored": true, "refused": true, "unknown": true},
	"download": {"found": true, "absent": true, "wrong": true, "unknown": true},
	"delete":   {"deleted": true, "absent": true, "unknown": true},
	"instant":  {"stored": true, "open": true, "unknown": true},
}

func (c call) check() error {
	if !hashForm.MatchString(c.Hash) {
		return fmt.Errorf("%q is no hash", c.Hash)
	}
	if c.Call == nil {
		return fmt.Errorf("no time of the call")
	}
	if c.Op == "lost" {
		return nil
	}
	if !outcomes[c.Op][c.Outcome] {
		return fmt.Errorf("%q cannot end as %q", c.Op, c.Outcome)
	}
	if c.Client == nil || c.Pod == "" {
		return fmt.Errorf("no client or no pod")
	}
	if c.Return == nil && c.Outcome != "unknown" {
		return fmt.Errorf("an answer without its time")
	}
	if c.Return != nil && *c.Return < *c.Call {
		return fmt.Errorf("the answer came before the call")
	}
	return nil
}

// end is when the call can have taken effect at the latest.
func (c call) end() int64 {
	if c.Outcome == "unknown" || c.Return == nil {
		return never
	}
	return *c.Return
}

func (c call) String() string {
	end := "never"
	if c.Return != nil {
		end = fmt.Sprint(*c.Return)
	}
	client := -1
	if c.Client != nil {
		client = *c.Client
	}
	text := fmt.Sprintf("%d .. %s client %d pod %s %s: %s", *c.Call, end, client, c.Pod, c.Op, c.Outcome)
	if c.Note != "" {
		text += " (" + c.Note + ")"
	}
	return text
}

func read(from io.Reader) ([]call, error) {
	var calls []call
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		var next call
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if err := next.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		calls = append(calls, next)
	}
	return calls, lines.Err()
}
