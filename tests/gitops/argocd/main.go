// Runs what we write for Argo CD through Argo CD's own packages:
//
//	argocd test FOLDER                     the tests of resource customizations, in upstream's form
//	argocd configmap FOLDER                prints the same customizations as data of the ConfigMap argocd-cm
//	argocd health FOLDER LIVE              prints the health of an object
//	argocd diff MANIFEST LIVE [PREDICTED]  fails if Argo CD would call the object OutOfSync
//
// PREDICTED is what the API server answers to a dry run of a server-side apply, which Argo CD asks it for.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/health"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "test":
		return test(arguments[1])
	case len(arguments) == 2 && arguments[0] == "configmap":
		return printed(configMap(arguments[1]))
	case len(arguments) == 3 && arguments[0] == "health":
		return printHealth(arguments[1], arguments[2])
	case len(arguments) >= 3 && arguments[0] == "diff":
		return differs(arguments[1:])
	}
	return errors.New("usage: argocd test|configmap|health|diff ...; see main.go")
}

func read(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func object(path string) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	return object, read(path, &object.Object)
}

// customizations reads FOLDER/<group>/<kind>/ into the overrides that Argo CD makes of argocd-cm.
func customizations(folder string) (map[string]v1alpha1.ResourceOverride, error) {
	found := map[string]v1alpha1.ResourceOverride{}
	scripts, err := filepath.Glob(filepath.Join(folder, "*", "*", "health.lua"))
	if err != nil || len(scripts) == 0 {
		return nil, fmt.Errorf("no health.lua below %s: %w", folder, err)
	}
	for _, script := range scripts {
		kind := filepath.Dir(script)
		key, err := filepath.Rel(folder, kind)
		if err != nil {
			return nil, err
		}
		text, err := os.ReadFile(script)
		if err != nil {
			return nil, err
		}
		override := v1alpha1.ResourceOverride{HealthLua: string(text)}
		if override.Actions, err = actions(filepath.Join(kind, "actions")); err != nil {
			return nil, err
		}
		found[key] = override
	}
	return found, nil
}

func actions(folder string) (string, error) {
	discovery, err := os.ReadFile(filepath.Join(folder, "discovery.lua"))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	all := v1alpha1.ResourceActions{ActionDiscoveryLua: string(discovery)}
	scripts, err := filepath.Glob(filepath.Join(folder, "*", "action.lua"))
	if err != nil {
		return "", err
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			return "", err
		}
		all.Definitions = append(all.Definitions, v1alpha1.ResourceActionDefinition{
			Name: filepath.Base(filepath.Dir(script)), ActionLua: string(text),
		})
	}
	text, err := yaml.Marshal(all)
	return string(text), err
}

func configMap(folder string) ([]byte, error) {
	overrides, err := customizations(folder)
	if err != nil {
		return nil, err
	}
	data := map[string]string{}
	for kind, override := range overrides {
		name := strings.ReplaceAll(kind, "/", "_")
		data["resource.customizations.health."+name] = override.HealthLua
		if override.Actions != "" {
			data["resource.customizations.actions."+name] = override.Actions
		}
	}
	return yaml.Marshal(map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMap",
		"metadata":   map[string]any{"name": "argocd-cm", "namespace": "argocd"},
		"data":       data,
	})
}

func printed(text []byte, err error) error {
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	return err
}

func printHealth(folder, path string) error {
	overrides, err := customizations(folder)
	if err != nil {
		return err
	}
	live, err := object(path)
	if err != nil {
		return err
	}
	found, err := health.GetResourceHealth(live, lua.ResourceHealthOverrides(overrides))
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s\n", found.Status, found.Message)
	return nil
}

// predicted stands where Argo CD asks the API server for a dry run.
type predicted string

func (p predicted) Run(context.Context, *unstructured.Unstructured, string) (string, error) {
	answer, err := object(string(p))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(answer)
	return string(text), err
}

// differs compares as the application controller does: with the normalizer of ignored differences, which takes nothing
// away unless somebody configures it, and against the last applied configuration or the API server's own answer.
func differs(paths []string) error {
	manifest, err := object(paths[0])
	if err != nil {
		return err
	}
	live, err := object(paths[1])
	if err != nil {
		return err
	}
	normalizer, err := normalizers.NewIgnoreNormalizer(nil, nil, normalizers.IgnoreNormalizerOpts{})
	if err != nil {
		return err
	}
	options := []diff.Option{diff.WithNormalizer(normalizer), diff.WithManager("argocd-controller")}
	if len(paths) > 2 {
		options = append(options, diff.WithServerSideDiff(true), diff.WithIgnoreMutationWebhook(false),
			diff.WithServerSideDryRunner(predicted(paths[2])))
	} else if applied, err := diff.GetLastAppliedConfigAnnotation(live); err != nil || applied == nil {
		return fmt.Errorf("%s has no last applied configuration: %w", paths[1], err)
	}
	result, err := diff.Diff(manifest, live, options...)
	if err != nil {
		return err
	}
	if result.Modified {
		return fmt.Errorf("OutOfSync: live\n%s\nwould become\n%s", result.NormalizedLive, result.PredictedLive)
	}
	fmt.Println("Synced")
	return nil
}

type healthTests struct {
	Tests []struct {
		InputPath    string              `json:"inputPath"`
		HealthStatus health.HealthStatus `json:"healthStatus"`
	} `json:"tests"`
}

type actionTests struct {
	DiscoveryTests []struct {
		InputPath string                    `json:"inputPath"`
		Result    []v1alpha1.ResourceAction `json:"result"`
	} `json:"discoveryTests"`
	ActionTests []struct {
		Action             string `json:"action"`
		InputPath          string `json:"inputPath"`
		ExpectedOutputPath string `json:"expectedOutputPath"`
	} `json:"actionTests"`
}

// test runs all health_test.yaml and action_test.yaml, as TestLuaHealthScript and TestLuaResourceActionsScript of
// Argo CD's util/lua do with the customizations that it ships.
func test(folder string) error {
	overrides, err := customizations(folder)
	if err != nil {
		return err
	}
	vm := lua.VM{ResourceOverrides: overrides}
	count := 0
	for kind, override := range overrides {
		passed, err := testHealth(vm, filepath.Join(folder, kind))
		if err != nil {
			return err
		}
		count += passed
		if override.Actions != "" {
			if passed, err = testActions(vm, filepath.Join(folder, kind, "actions")); err != nil {
				return err
			}
			count += passed
		}
	}
	fmt.Printf("%d tests passed\n", count)
	return nil
}

func testHealth(vm lua.VM, folder string) (int, error) {
	var all healthTests
	if err := read(filepath.Join(folder, "health_test.yaml"), &all); err != nil {
		return 0, err
	}
	inputs, err := filepath.Glob(filepath.Join(folder, "testdata", "*.yaml"))
	if err != nil || len(inputs) != len(all.Tests) || len(inputs) == 0 {
		return 0, fmt.Errorf("%s: %d tests for %d inputs: %w", folder, len(all.Tests), len(inputs), err)
	}
	for _, test := range all.Tests {
		input, err := object(filepath.Join(folder, test.InputPath))
		if err != nil {
			return 0, err
		}
		script, _, err := vm.GetHealthScript(input)
		if err != nil {
			return 0, err
		}
		found, err := vm.ExecuteHealthLua(input, script)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", test.InputPath, err)
		}
		if *found != test.HealthStatus {
			return 0, fmt.Errorf("%s: %+v instead of %+v", test.InputPath, *found, test.HealthStatus)
		}
	}
	return len(all.Tests), nil
}

func testActions(vm lua.VM, folder string) (int, error) {
	var all actionTests
	if err := read(filepath.Join(folder, "action_test.yaml"), &all); err != nil {
		return 0, err
	}
	for _, test := range all.DiscoveryTests {
		input, err := object(filepath.Join(folder, test.InputPath))
		if err != nil {
			return 0, err
		}
		scripts, err := vm.GetResourceActionDiscovery(input)
		if err != nil {
			return 0, err
		}
		found, err := vm.ExecuteResourceActionDiscovery(input, scripts)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", test.InputPath, err)
		}
		// Argo CD sorts by nothing: they come out of a map.
		byName := func(actions []v1alpha1.ResourceAction) map[string]v1alpha1.ResourceAction {
			named := map[string]v1alpha1.ResourceAction{}
			for _, action := range actions {
				named[action.Name] = action
			}
			return named
		}
		if !reflect.DeepEqual(byName(found), byName(test.Result)) {
			return 0, fmt.Errorf("%s: %+v instead of %+v", test.InputPath, found, test.Result)
		}
	}
	for _, test := range all.ActionTests {
		if err := testAction(vm, folder, test.Action, test.InputPath, test.ExpectedOutputPath); err != nil {
			return 0, fmt.Errorf("%s of %s: %w", test.Action, test.InputPath, err)
		}
	}
	return len(all.DiscoveryTests) + len(all.ActionTests), nil
}

func testAction(vm lua.VM, folder, name, from, to string) error {
	input, err := object(filepath.Join(folder, from))
	if err != nil {
		return err
	}
	expected, err := object(filepath.Join(folder, to))
	if err != nil {
		return err
	}
	action, err := vm.GetResourceAction(input, name)
	if err != nil {
		return err
	}
	impacted, err := vm.ExecuteResourceAction(input, action.ActionLua, nil)
	if err != nil {
		return err
	}
	if len(impacted) != 1 || impacted[0].K8SOperation != lua.PatchOperation {
		return fmt.Errorf("it does not patch one object: %+v", impacted)
	}
	texts := make([][]byte, 2)
	for i, each := range []*unstructured.Unstructured{impacted[0].UnstructuredObj, expected} {
		// The time of a redeploy is the one at which it is asked for.
		if annotations := each.GetAnnotations(); annotations["empire.dev/redeploy"] != "" {
			annotations["empire.dev/redeploy"] = "0001-01-01T00:00:00Z"
			each.SetAnnotations(annotations)
		}
		if texts[i], err = json.Marshal(each); err != nil {
			return err
		}
	}
	if !bytes.Equal(texts[0], texts[1]) {
		return fmt.Errorf("%s instead of %s", texts[0], texts[1])
	}
	return nil
}
