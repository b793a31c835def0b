import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Debezium without Kafka: every batch of records becomes one file of lines {"topic", "key", "value"} in a folder.
 *
 * <p>A file appears whole (hidden until it is written), and only then are its records acknowledged: an engine that dies in
 * between delivers them again. It ends in good order when its standard input does; a line on it makes it die at the next
 * batch, after the file and before the acknowledgement.
 *
 * <p>Usage: java -cp JARS Engine.java PROPERTIES FOLDER
 */
public final class Engine {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;
    private final long started = System.currentTimeMillis();
    private int files;
    private volatile boolean doomed;

    private Engine(Path folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(Path.of(arguments[0]))) {
            properties.load(reader);
        }
        Engine landing = new Engine(Path.of(arguments[1]));
        DebeziumEngine<ChangeEvent<String, String>> engine = DebeziumEngine.create(Json.class)
                .using(properties)
                .using(Engine::stopped)
                .notifying(landing::land)
                .build();
        ExecutorService executor = Executors.newSingleThreadExecutor();
        executor.execute(engine);
        while (System.in.read() >= 0) {
            landing.doomed = true;
        }
        engine.close();
        executor.shutdown();
    }

    private static void stopped(boolean success, String message, Throwable error) {
        if (!success) {
            System.err.println(message);
            if (error != null) {
                error.printStackTrace();
            }
            System.exit(1);
        }
    }

    private void land(
            List<ChangeEvent<String, String>> records,
            DebeziumEngine.RecordCommitter<ChangeEvent<String, String>> committer)
            throws InterruptedException {
        String name = String.format("%d-%05d.jsonl", started, files++);
        Path hidden = folder.resolve("." + name);
        try {
            try (BufferedWriter writer = Files.newBufferedWriter(hidden)) {
                for (ChangeEvent<String, String> record : records) {
                    writer.write(line(record));
                    writer.write('\n');
                }
            }
            Files.move(hidden, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failed) {
            throw new IllegalStateException("cannot write " + hidden, failed);
        }
        if (doomed) {
            Runtime.getRuntime().halt(1);
        }
        for (ChangeEvent<String, String> record : records) {
            committer.markProcessed(record);
        }
        committer.markBatchFinished();
    }

    private static String line(ChangeEvent<String, String> record) throws IOException {
        ObjectNode line = JSON.createObjectNode();
        line.put("topic", record.destination());
        line.put("key", record.key());
        line.put("value", record.value());
        return JSON.writeValueAsString(line);
    }
}
