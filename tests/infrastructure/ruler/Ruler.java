import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

import software.amazon.event.ruler.Machine;

/** Prints "event pattern" for each event that a pattern matches: Ruler (folder of patterns) (folder of events). */
public final class Ruler {
    private Ruler() {
    }

    public static void main(String[] folders) throws Exception {
        Machine machine = new Machine();
        for (Map.Entry<String, String> pattern : documents(folders[0]).entrySet()) {
            machine.addRule(pattern.getKey(), pattern.getValue());
        }
        for (Map.Entry<String, String> event : documents(folders[1]).entrySet()) {
            for (String matched : machine.rulesForJSONEvent(event.getValue())) {
                System.out.println(event.getKey() + " " + matched);
            }
        }
    }

    private static Map<String, String> documents(String folder) throws IOException {
        Map<String, String> found = new TreeMap<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of(folder), "*.json")) {
            for (Path file : files) {
                found.put(file.getFileName().toString().replace(".json", ""), Files.readString(file));
            }
        }
        return found;
    }
}
