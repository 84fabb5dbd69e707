import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a JSON array of Strimzi's resources from stdin and holds each against the operator's own types:
 * prints a JSON array, in the same order, of what is wrong with each (an unknown field, a value that the
 * type does not take). Ends with 2 for a kind that it does not know.
 */
public final class StrimziTypes {
    private static final Map<String, String> TYPES = Map.of(
        "Kafka", "io.strimzi.api.kafka.model.kafka.Kafka",
        "KafkaNodePool", "io.strimzi.api.kafka.model.nodepool.KafkaNodePool",
        "KafkaTopic", "io.strimzi.api.kafka.model.topic.KafkaTopic",
        "KafkaUser", "io.strimzi.api.kafka.model.user.KafkaUser");
    private static final ObjectMapper JSON =
        new ObjectMapper().enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS);

    public static void main(String[] arguments) throws Exception {
        List<List<String>> answers = new ArrayList<>();
        for (JsonNode resource : JSON.readTree(System.in)) {
            answers.add(wrongWith(resource));
        }
        JSON.writeValue(System.out, answers);
    }

    private static List<String> wrongWith(JsonNode resource) throws Exception {
        String kind = resource.path("kind").asText();
        if (!TYPES.containsKey(kind)) {
            System.err.println("no type for " + kind);
            System.exit(2);
        }
        Set<String> wrong = new LinkedHashSet<>();
        Class<?> type = Class.forName(TYPES.get(kind));
        String version = resource.path("apiVersion").asText().replaceFirst(".*/", "");
        if (!((List<?>) served(type)).contains(version)) {
            wrong.add("apiVersion: not served: " + version);
        }
        try {
            Object typed = JSON.treeToValue(resource, type);
            unknown(typed, "", wrong);
            lost(resource.path("spec"), JSON.valueToTree(typed).path("spec"), ".spec", wrong);
        } catch (com.fasterxml.jackson.databind.JsonMappingException error) {
            wrong.add(error.getPathReference() + ": " + error.getOriginalMessage());
        }
        return List.copyOf(wrong);
    }

    private static Object served(Class<?> type) throws Exception {
        return type.getField("VERSIONS").get(null);
    }

    /** Fields that no type declares are kept aside by each type; name them. */
    private static void unknown(Object value, String path, Set<String> wrong) throws Exception {
        if (value instanceof Collection<?> many) {
            int index = 0;
            for (Object each : many) {
                unknown(each, path + "[" + index++ + "]", wrong);
            }
            return;
        }
        if (value == null || !value.getClass().getName().matches("io\\.(strimzi|fabric8)\\..*")
                || value instanceof Enum) {
            return;
        }
        for (Method method : value.getClass().getMethods()) {
            if (method.getParameterCount() != 0 || !method.getName().startsWith("get")
                    || method.getDeclaringClass() == Object.class) {
                continue;
            }
            Object found = method.invoke(value);
            if (method.getName().equals("getAdditionalProperties")) {
                for (Object name : ((Map<?, ?>) found).keySet()) {
                    wrong.add(path + "." + name + ": unknown");
                }
            } else {
                String name = method.getName().substring(3);
                unknown(found, path + "." + name.substring(0, 1).toLowerCase() + name.substring(1), wrong);
            }
        }
    }

    /**
     * A word that an enumeration does not know becomes nothing: what does not come out again is wrong. A
     * default does not come out either, so what is read here does not repeat one.
     */
    private static void lost(JsonNode given, JsonNode kept, String path, Set<String> wrong) {
        if (given.isObject()) {
            given.fields().forEachRemaining(
                entry -> lost(entry.getValue(), kept.path(entry.getKey()), path + "." + entry.getKey(), wrong));
        } else if (given.isArray()) {
            for (int index = 0; index < given.size(); index++) {
                lost(given.get(index), kept.path(index), path + "[" + index + "]", wrong);
            }
        } else if (!given.asText().equals(kept.asText()) || kept.isMissingNode()) {
            wrong.add(path + ": " + given + " is not taken");
        }
    }
}
