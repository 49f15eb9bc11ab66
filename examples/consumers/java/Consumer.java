import java.sql.*;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * A view of all executions, made of signoff.executions: how each stands, and how many blocks it has done.
 *
 * <pre>mvn dependency:copy-dependencies -DoutputDirectory=jars
 * java -cp 'jars/*' Consumer.java localhost:9092 view.db</pre>
 *
 * The view and where it goes on reading are written in one transaction, and "events" is the last eventId of
 * each log: end this program wherever you like and start it again, and each event counts once.
 */
public final class Consumer {
    private static final String TOPIC = "signoff.executions";
    private static final String[] TABLES = {
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE IF NOT EXISTS executions (log TEXT PRIMARY KEY, subject TEXT, status TEXT,"
            + " events INTEGER NOT NULL, blocks INTEGER NOT NULL)",
        "CREATE TABLE IF NOT EXISTS offsets (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL)",
    };

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> settings = Map.of(
            "bootstrap.servers", arguments[0], "auto.offset.reset", "earliest", "enable.auto.commit", false);
        try (Connection view = DriverManager.getConnection("jdbc:sqlite:" + arguments[1]);
                var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            for (String statement : TABLES) {
                try (Statement made = view.createStatement()) { made.execute(statement); }
            }
            view.setAutoCommit(false);
            goOn(consumer, view);
            while (true) {
                for (var each : consumer.poll(Duration.ofSeconds(1))) {
                    receive(each, view);
                    write(view, "INSERT OR REPLACE INTO offsets VALUES (?, ?)", each.partition(), each.offset() + 1);
                }
                view.commit();
            }
        }
    }

    /** Reads all partitions, each from where the view ends; a new one from the first record that is held. */
    private static void goOn(KafkaConsumer<?, ?> consumer, Connection view) throws SQLException {
        var places = consumer.partitionsFor(TOPIC).stream().map(p -> new TopicPartition(TOPIC, p.partition())).toList();
        consumer.assign(places);
        for (TopicPartition place : places) {
            Long next = read(view, "SELECT next FROM offsets WHERE partition = ?", place.partition());
            if (next == null) { consumer.seekToBeginning(List.of(place)); } else { consumer.seek(place, next); }
        }
    }

    /** What a record changes in the view: nothing if it was there before. What is behind a gap is not taken. */
    private static void receive(ConsumerRecord<String, byte[]> each, Connection view) throws SQLException {
        long eventId = Long.parseLong(header(each, "ce_eventid"));
        Long known = read(view, "SELECT events FROM executions WHERE log = ?", each.key());
        long last = known == null ? 0 : known;
        if (eventId <= last) { return; }
        if (eventId > last + 1) {
            throw new IllegalStateException("log " + each.key() + ": event " + eventId + " came, and " + (last + 1)
                + " is next: ask for `signoff topics verify`");
        }
        String type = header(each, "ce_type");
        String status = type.startsWith("execution:") ? type.substring("execution:".length()) : null;
        boolean done = type.equals("block:completed") && each.headers().lastHeader("ce_copyof") == null;
        write(view, "INSERT INTO executions VALUES (?, ?, ?, 1, ?) ON CONFLICT (log) DO UPDATE SET"
            + " status = coalesce(excluded.status, status), events = events + 1, blocks = blocks + excluded.blocks",
            each.key(), header(each, "ce_subject"), status, done ? 1 : 0);
    }

    private static String header(ConsumerRecord<?, ?> each, String name) {
        return new String(each.headers().lastHeader(name).value(), java.nio.charset.StandardCharsets.UTF_8);
    }

    private static Long read(Connection view, String query, Object value) throws SQLException {
        try (PreparedStatement asked = view.prepareStatement(query)) {
            asked.setObject(1, value);
            ResultSet rows = asked.executeQuery();
            return rows.next() ? rows.getLong(1) : null;
        }
    }

    private static void write(Connection view, String statement, Object... values) throws SQLException {
        try (PreparedStatement written = view.prepareStatement(statement)) {
            for (int at = 0; at < values.length; at++) { written.setObject(at + 1, values[at]); }
            written.executeUpdate();
        }
    }
}
