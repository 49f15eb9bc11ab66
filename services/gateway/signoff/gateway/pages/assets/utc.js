// <input type="datetime-local" data-utc>: filled in by the reader's clock, whose zone its label names, sent in UTC.
const MINUTE = 60_000;
const zones = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });
const moment = (field) => (field.value ? new Date(field.value) : null);
const write = (date) => date.toISOString().slice(0, 16);

function take(field) {
  const [label] = field.labels;
  const words = label.textContent;
  const name = () => {
    const zone = zones.formatToParts(moment(field) ?? new Date()).find(({ type }) => type === "timeZoneName");
    label.textContent = words.replace("UTC", zone.value);
  };
  if (field.value) {
    const given = new Date(`${field.value}Z`);
    field.value = write(new Date(given - given.getTimezoneOffset() * MINUTE));
  }
  name();
  field.addEventListener("input", name);
  field.form.addEventListener("formdata", ({ formData }) => field.value && formData.set(field.name, write(moment(field))));
}

document.querySelectorAll("input[data-utc]").forEach(take);
